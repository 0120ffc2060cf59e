import ArgumentParser
import Foundation

/// The exit codes besides 0 and ArgumentParser's 64 for a wrong command line.
enum ExitReason: Int32 {
    /// A registry or a cluster could not be read, or a change could not be carried out.
    case failed = 1
    /// `plan` found changes.
    case changesFound = 2
    case unusableConfiguration = 78
}

/// Prints the message to standard error.
func warn(_ message: String) {
    FileHandle.standardError.write(Data("isthmus: \(message)\n".utf8))
}

/// Prints the message to standard error.
/// - Returns: The error that ends the program with the reason's exit code.
func failure(_ reason: ExitReason, _ message: String) -> ExitCode {
    warn(message)
    return ExitCode(reason.rawValue)
}
