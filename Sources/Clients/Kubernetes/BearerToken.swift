internal import Logging
internal import NIOPosix

/// The bearer token for the next request, fresh enough for tokens that are rotated.
///
/// A file is read again when its last reading is older than a minute, or when the server refuses the token. When it
/// cannot be read, the last good token is kept: it may be valid for a long while yet.
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

    /// - Throws: `KubernetesError` with `configuration` when there never was a token to read.
    func current() async throws(KubernetesError) -> String {
        if let token, let readAt, stopwatch.elapsed() - readAt < Self.maximumAge { return token }
        return try await read()
    }

    /// Reads the file now.
    ///
    /// - Returns: whether the token is another than `refused`, so that another attempt makes sense.
    func refresh(after refused: String) async -> Bool {
        if let token, token != refused { return true }
        return (try? await read()).map { $0 != refused } ?? false
    }

    private func read() async throws(KubernetesError) -> String {
        let path = path
        // A file may lie on a slow disk, and blocks whoever reads it.
        let outcome = try? await NIOThreadPool.singleton.runIfActive { () -> Result<String, KubernetesError> in
            do throws(KubernetesError) {
                guard let text = trimmed(try contents(ofFile: path, "the token's file")) else {
                    throw KubernetesError(code: .configuration, message: "the token's file \(path): it is empty")
                }
                return .success(text)
            } catch {
                return .failure(error)
            }
        }
        // A failed reading, too, is not repeated for each request.
        readAt = stopwatch.elapsed()
        switch outcome {
        case .success(let text):
            token = text
            return text
        case .failure(let error):
            guard let token else { throw error }
            logger.warning("keeping the last good token", metadata: ["error": "\(error.message)"])
            return token
        case nil:
            guard let token else {
                throw KubernetesError(code: .cancelled, message: "cancelled while reading the token's file \(path)")
            }
            return token
        }
    }
}
