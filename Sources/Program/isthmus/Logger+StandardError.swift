public import ArgumentParser
internal import Foundation
public import Logging

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension Logger {
    /// The program's own, which writes to standard error.
    static func standardError(_ level: Level) -> Logger {
        // Without it glibc looks at that file anew for the time of each line, which takes as long as all the rest of the line.
        setenv("TZ", ":/etc/localtime", 0)
        var logger = Logger(label: "isthmus", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = level
        return logger
    }
}
