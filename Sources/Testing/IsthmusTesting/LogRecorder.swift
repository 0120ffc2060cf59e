public import Logging

/// Keeps what it is told.
public final class LogRecorder: Sendable {
    public struct Entry: Sendable, CustomStringConvertible {
        public let level: Logger.Level
        public let message: String
        public let metadata: [String: String]

        public var description: String {
            let facts = metadata.sorted { $0.key < $1.key }.map { "\($0): \($1)" }
            return ([message] + [facts.joined(separator: ", ")]).filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let entry = Entry(level: event.level, message: "\(event.message)", metadata: all.mapValues { "\($0)" })
            recorder.observed.change { $0.append(entry) }
        }
    }

    private let observed = Observed<[Entry]>([])
    private let level: Logger.Level

    /// - Parameter level: What is below it is not kept.
    public init(level: Logger.Level = .debug) {
        self.level = level
    }

    public var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self, logLevel: self.level) } }

    /// Each with its metadata as `key: value`, sorted.
    public var messages: [String] { observed.value.map(\.description) }

    public func messages(at level: Logger.Level) -> [String] {
        observed.value.filter { $0.level == level }.map(\.description)
    }

    /// The `reason` of each error.
    public var errors: [String] { observed.value.filter { $0.level == .error }.map { $0.metadata["reason"] ?? "" } }

    public func count(of message: String) -> Int { observed.value.count { $0.message == message } }

    /// Returns when the message has come so often.
    public func wait(for message: String, count: Int) async {
        await observed.wait { $0.count { $0.message == message } >= count }
    }
}
