import ArgumentParser
import Foundation
import SystemPackage

/// Standard output, which has what a command is asked for and nothing else.
///
/// Half a list must not pass for a whole one: a write that fails ends the command with another code than 0.
enum StandardOutput {
    /// Opens a file in the place of each standard stream that was closed, so that no socket takes its number and gets
    /// what is meant for people. What is written there fails. To be called first of all.
    static func claim() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
            // The system takes the lowest number that is free.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// - Throws: `ExitCode`, after the reason was told. A reader that has seen enough, such as `head`, needs no reason.
    static func write(_ text: String) throws(ExitCode) {
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch Errno.brokenPipe {
            throw ExitCode(ExitReason.readerGone.rawValue)
        } catch {
            throw failure(.failed, "standard output can't be written: \(error)")
        }
    }

    static func writeLine(_ text: String) throws(ExitCode) { try write(text + "\n") }
}
