internal import Foundation

extension ChildProcess {
    /// Everything in the log file so far.
    public var log: String {
        FileManager.default.contents(atPath: logPath).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The last lines of the log file, for error messages.
    public func logTail(lines: Int = 20) -> String {
        log.split(separator: "\n").suffix(lines).joined(separator: "\n")
    }

    /// Waits until the process says that it is ready.
    ///
    /// - Parameters:
    ///   - limit: how long it may take.
    ///   - isReady: asks it; an error counts as "not yet".
    /// - Throws: ``TestSupportError`` with the end of the log when the process ended or didn't become ready in time;
    ///   `CancellationError`.
    public func waitUntilReady(
        within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
        _ isReady: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            if let exitStatus {
                throw TestSupportError(
                    "\(name) ended with \(exitStatus) before it was ready; its log ends:\n\(logTail())")
            }
            if (try? await isReady()) == true { return }
            guard ContinuousClock.now < deadline else {
                throw TestSupportError("\(name) was not ready within \(limit); its log ends:\n\(logTail())")
            }
            try await Task.sleep(for: .milliseconds(25))
        }
    }
}
