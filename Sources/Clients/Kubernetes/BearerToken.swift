internal import Concurrency
internal import Logging
internal import NIOPosix

/// The bearer token in a file.
///
/// The file is read again when the last reading is older than a minute, or when the server has refused the token. When
/// the file cannot be read, the last token is kept: it may still be valid for a long time.
actor BearerToken {
    static let maximumAge = Duration.seconds(60)

    private let path: String
    private let stopwatch: Stopwatch
    private let logger: Logger
    private var token: String?
    private var readAt: Duration?

    init(path: String, stopwatch: Stopwatch, logger: Logger) {
        self.path = path
        self.stopwatch = stopwatch
        self.logger = logger
    }

    /// The token for the next request.
    ///
    /// - Throws: `KubernetesError` with `configuration` when no token has ever been read.
    func current() async throws(KubernetesError) -> String {
        if let token, let readAt, stopwatch.elapsed - readAt < Self.maximumAge { return token }
        return try await read()
    }

    /// Reads the file now.
    ///
    /// - Returns: whether the token differs from `refused`, so that another attempt makes sense.
    func refresh(after refused: String) async -> Bool {
        if let token, token != refused { return true }
        return (try? await read()).map { $0 != refused } ?? false
    }

    private func read() async throws(KubernetesError) -> String {
        let path = path
        // The file may be on a slow disk, and reading it blocks a thread.
        let outcome = try? await NIOThreadPool.singleton.runIfActive { () -> Result<String, KubernetesError> in
            do throws(KubernetesError) {
                guard let text = trimmed(try contents(ofFile: path, "the token file")) else {
                    throw KubernetesError(code: .configuration, message: "the token file \(path): it is empty")
                }
                return .success(text)
            } catch {
                return .failure(error)
            }
        }
        // A failed reading is not repeated for each request either.
        readAt = stopwatch.elapsed
        switch outcome {
        case .success(let text):
            token = text
            return text
        case .failure(let error):
            guard let token else { throw error }
            logger.warning(
                "token file cannot be read: the last token stays in use", metadata: ["error": "\(error.message)"])
            return token
        case nil:
            guard let token else {
                throw KubernetesError(code: .cancelled, message: "cancelled while reading the token file \(path)")
            }
            return token
        }
    }
}
