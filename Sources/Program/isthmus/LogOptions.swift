public import ArgumentParser
public import Logging
internal import Logs

extension Logger.Level: @retroactive ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}

/// The log, which goes to standard error.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The lowest level of the log. Default of run: info, of all else: error.", valueName: "level"))
    var logLevel: Logger.Level?

    @Option(help: ArgumentHelp("The form of the log's lines.", valueName: "format"))
    var logFormat: LogFormat = .logfmt

    /// - Parameter standard: The level where no flag names one.
    func logger(_ standard: Logger.Level) -> Logger {
        Logger(label: "isthmus") { [self] _ in LineLogHandler(logFormat, level: logLevel ?? standard) }
    }
}
