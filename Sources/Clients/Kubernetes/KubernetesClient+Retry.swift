extension KubernetesClient {
    /// Attempts an operation until it succeeds, fails for good, or has been attempted often enough.
    ///
    /// It waits as long as the server asks for (`Retry-After`), at least 0.8 seconds, doubling with each attempt to 30,
    /// with jitter.
    ///
    /// ```swift
    /// let object = try await client.retrying { () async throws(KubernetesError) in
    ///     try await client.get(type, name: "a", namespace: "default")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - attempts: at least 1.
    ///   - whenOutcomeUnknown: whether a write is also repeated that may have been carried out, as is safe for an apply,
    ///     and for a patch or a replacement of one resource version, where it then ends in a `conflict`.
    /// - Throws: the last attempt's error; `cancelled` during a wait.
    public func retrying<Value>(
        attempts: Int = 5, whenOutcomeUnknown: Bool = false, isolation: isolated (any Actor)? = #isolation,
        _ operation: () async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var backoff = Backoff()
        var random = SystemRandomNumberGenerator()
        while true {
            do throws(KubernetesError) { return try await operation() } catch {
                let mayRepeat = error.isTransient && (whenOutcomeUnknown || !error.isOutcomeUnknown)
                guard mayRepeat, backoff.failures < attempts - 1 else { throw error }
                let delay = max(backoff.next(using: &random), error.retryAfter ?? .zero)
                do {
                    try await transport.stopwatch.sleep(delay)
                } catch {
                    throw KubernetesError(code: .cancelled, message: "cancelled before another attempt")
                }
            }
        }
    }
}

extension KubernetesError {
    /// Whether the same request may succeed later without anybody changing anything. Wait at least ``retryAfter``; for
    /// writes look at ``isOutcomeUnknown``, too.
    public var isTransient: Bool {
        let passing: Set<Code> = [
            .tooManyRequests, .serverTimeout, .unavailable, .unreachable, .credentialsUnavailable, .timedOut, .idle,
            .connectionLost, .endedEarly,
        ]
        // A server that names a time means that it can be helped, whatever it says besides.
        return passing.contains(code) || (code == .serverError && retryAfter != nil)
    }
}
