internal import Foundation
internal import Synchronization

/// Kills the processes and removes the files that this process left behind, however it ends.
///
/// A test process may crash or be killed, and then no `deinit` and no exit handler runs. So a small shell holds the
/// read end of a pipe and a list of process ids; when the pipe closes, it kills whatever is still on the list and
/// removes the folder that all temporary folders lie in.
final class ProcessGuard: Sendable {
    static let shared = ProcessGuard()

    private static let script = """
        trap '' HUP INT TERM
        pids=
        while read -r operation pid; do
          rest=
          for known in $pids; do [ "$known" = "$pid" ] || rest="$rest $known"; done
          pids=$rest
          [ "$operation" = add ] && pids="$pids $pid"
        done
        [ -z "$pids" ] || kill -KILL $pids 2>/dev/null
        rm -rf -- "$1"
        """

    /// Where this process's temporary folders lie.
    let folder: URL

    private let input: Mutex<FileHandle?>

    private init() {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("isthmus-tests-\(UUID().uuidString)")
        let pipe = Pipe()
        // A server that inherited the write end would keep the pipe open, and the guard waiting, after this process.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", Self.script, "guard", folder.path]
        shell.standardInput = pipe
        shell.standardOutput = FileHandle.nullDevice
        shell.standardError = FileHandle.nullDevice
        let started = ChildProcess.starting.withLock { _ in (try? shell.run()) != nil }
        input = Mutex(started ? pipe.fileHandleForWriting : nil)
    }

    func add(_ pid: Int32) { tell("add \(pid)\n") }

    func drop(_ pid: Int32) { tell("drop \(pid)\n") }

    private func tell(_ line: String) {
        input.withLock { try? $0?.write(contentsOf: Data(line.utf8)) }
    }
}
