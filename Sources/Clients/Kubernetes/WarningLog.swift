internal import Logging
internal import NIOHTTP1
internal import Synchronization

/// Logs the server's warnings (`Warning: 299 - "text"`, RFC 7234 section 5.5), each distinct one once.
final class WarningLog: Sendable {
    /// The number of distinct warnings that are logged. Further ones are dropped, since some hold an object's name.
    static let capacity = 256

    private let logger: Logger
    private let seen = Mutex<Set<String>>([])

    init(logger: Logger) {
        self.logger = logger
    }

    func record(_ headers: HTTPHeaders, of request: APIRequest) {
        for warning in headers["Warning"] {
            let isNew = seen.withLock { seen in
                seen.count < Self.capacity && seen.insert(warning).inserted
            }
            guard isNew else { continue }
            logger.warning(
                "API server sent a warning",
                metadata: ["warning": "\(Self.text(of: warning))", "request": "\(request.label)"])
        }
    }

    /// The quoted text after code and agent; the whole value when it has no quotes.
    static func text(of warning: String) -> String {
        guard let open = warning.firstIndex(of: "\""), let close = warning.lastIndex(of: "\""), open < close else {
            return warning
        }
        return String(warning[warning.index(after: open)..<close])
    }
}
