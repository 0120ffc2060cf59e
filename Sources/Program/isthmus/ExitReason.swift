import ArgumentParser
import Logs
import Text

/// The exit codes besides 0 and ArgumentParser's 64 for a wrong command line.
enum ExitReason: Int32 {
    /// A registry or a cluster could not be read, or a change could not be carried out.
    case failed = 1
    /// `plan` found changes.
    case changesFound = 2
    /// A registry could not be read: `plan` and `apply` left alone what it may announce.
    case partial = 3
    /// As ArgumentParser has it.
    case wrongCommandLine = 64
    /// The reader of standard output has closed it, as `head` does: the code that a shell gives to SIGPIPE.
    case readerGone = 141
    case unusableConfiguration = 78
}

/// Prints the message to standard error.
func warn(_ message: String) {
    StandardError.write("isthmus: \(message.printable)\n")
}

/// Prints the message to standard error.
/// - Returns: The error that ends the program with the reason's exit code.
func failure(_ reason: ExitReason, _ message: String) -> ExitCode {
    warn(message)
    return ExitCode(reason.rawValue)
}
