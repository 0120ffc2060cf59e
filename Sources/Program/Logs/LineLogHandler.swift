internal import FoundationEssentials
package import Logging
internal import Synchronization
internal import SystemPackage

/// Writes each log event as one line of a `LogFormat`.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let format: LogFormat
    private let write: @Sendable (String) -> Void

    /// - Parameter write: Takes a whole line, with its end.
    package init(
        _ format: LogFormat, level: Logger.Level, write: @escaping @Sendable (String) -> Void = StandardError.write
    ) {
        self.format = format
        logLevel = level
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        if let error = event.error, all["error"] == nil { all["error"] = "\(error)" }
        write(format.line("\(event.message)", at: Date(), level: event.level, metadata: all) + "\n")
    }
}

/// Standard error, on which whole lines never mix.
package enum StandardError {
    private static let turn = Mutex(())

    /// What can't be written is lost: there is nobody to tell.
    package static func write(_ text: String) {
        turn.withLock { _ in _ = try? FileDescriptor.standardError.writeAll(text.utf8) }
    }
}
