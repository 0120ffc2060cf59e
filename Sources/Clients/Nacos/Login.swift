internal import Concurrency

/// The login of a client: a token that is renewed in time, and when a server refuses it.
///
/// Any number of requests may ask for the token; one login is under way at a time.
actor Login {
    typealias Attempt = @Sendable (NacosServer) async throws(NacosError) -> AccessToken

    /// A refused token causes one login at most in this time. A user without a right is refused too, and no login
    /// helps.
    static let forcedInterval = Duration.seconds(60)

    private let stopwatch: Stopwatch
    private let attempt: Attempt
    private var token: AccessToken?
    private var renewAt = Duration.zero
    private var lastForced: Duration?
    private var backoff = Backoff(from: .seconds(1), to: .seconds(60))
    /// The last failure, which counts until this time. So each request of a client with a wrong password does not make
    /// a login.
    private var failure: (error: NacosError, until: Duration)?
    private var isLoggingIn = false
    private let loginEnded = EventCount()

    init(stopwatch: Stopwatch, attempt: @escaping Attempt) {
        self.stopwatch = stopwatch
        self.attempt = attempt
    }

    /// The token for the next request.
    ///
    /// - Parameter server: Where to log in. Servers of a cluster take each other's tokens.
    /// - Throws: The failure of the last login.
    func current(_ server: NacosServer) async throws(NacosError) -> String {
        if let token, stopwatch.elapsed < renewAt { return token.text }
        if let failure, stopwatch.elapsed < failure.until {
            // A token may be good for some time after the moment in which it should have been renewed.
            guard let token else { throw failure.error }
            return token.text
        }
        return try await logIn(server)
    }

    /// - Returns: Whether there is another token than the refused one.
    func renew(after refused: String, _ server: NacosServer) async -> Bool {
        if let token, token.text != refused { return true }
        if let lastForced, stopwatch.elapsed - lastForced < Self.forcedInterval { return false }
        lastForced = stopwatch.elapsed
        return (try? await logIn(server)).map { $0 != refused } ?? false
    }

    private func logIn(_ server: NacosServer) async throws(NacosError) -> String {
        if isLoggingIn {
            let ticket = loginEnded.ticket
            await loginEnded.wait(after: ticket)
            if let token { return token.text }
            throw failure?.error ?? NacosError(.cancelled)
        }
        isLoggingIn = true
        defer {
            isLoggingIn = false
            loginEnded.signal()
        }
        do throws(NacosError) {
            let token = try await attempt(server)
            self.token = token
            // Nacos' own client renews in the last tenth to fifteenth of the lifetime.
            renewAt = stopwatch.elapsed + token.lifetime * 0.9
            failure = nil
            backoff.reset()
            return token.text
        } catch {
            failure = (error, stopwatch.elapsed + backoff.next())
            guard let token else { throw error }
            return token.text
        }
    }
}
