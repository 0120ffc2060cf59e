public import ArgumentParser
internal import Foundation
public import Logging

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension Logger {
    /// The program's logger, which writes to standard error.
    static func standardError(_ level: Level) -> Logger {
        // Without TZ, glibc checks /etc/localtime for each log line, which doubles the cost of a line.
        setenv("TZ", ":/etc/localtime", 0)
        var logger = Logger(label: "isthmus", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = level
        return logger
    }
}
