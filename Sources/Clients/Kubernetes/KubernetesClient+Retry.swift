internal import Concurrency

extension KubernetesClient {
    /// Attempts an operation until it succeeds, fails with an error that is not transient, or has used up its attempts.
    ///
    /// Between two attempts it waits for a backoff: at least 0.8 seconds at first, twice as long after each failure, up
    /// to 30 seconds, with jitter. It waits longer when the server asks for that (`Retry-After`).
    ///
    /// ```swift
    /// let object = try await client.retrying { () async throws(KubernetesError) in
    ///     try await client.get(type, name: "a", namespace: "default")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - attempts: how often the operation is attempted at most, at least 1.
    ///   - whenOutcomeUnknown: whether a write is repeated although it may have been carried out. That is safe for an
    ///     apply. It is safe for a patch or a replacement of one resource version, too: if the first attempt was
    ///     carried out, the next one ends with `conflict`.
    /// - Throws: the last attempt's error; `cancelled` when the task is cancelled during a wait.
    public func retrying<Value>(
        attempts: Int = 5, whenOutcomeUnknown: Bool = false, isolation: isolated (any Actor)? = #isolation,
        _ operation: () async throws(KubernetesError) -> Value
    ) async throws(KubernetesError) -> Value {
        var backoff = Backoff.ofRequests
        var random = SystemRandomNumberGenerator()
        while true {
            do throws(KubernetesError) { return try await operation() } catch {
                let mayRepeat = error.isTransient && (whenOutcomeUnknown || !error.isOutcomeUnknown)
                guard mayRepeat, backoff.failures < attempts - 1 else { throw error }
                let delay = max(backoff.next(using: &random), error.retryAfter ?? .zero)
                do {
                    try await transport.stopwatch.sleep(for: delay)
                } catch {
                    throw KubernetesError(code: .cancelled, message: "cancelled before another attempt")
                }
            }
        }
    }
}

extension KubernetesError {
    /// Whether the same request may succeed later although nobody changes anything. Wait at least ``retryAfter``. Of a
    /// write, look at ``isOutcomeUnknown`` too.
    public var isTransient: Bool {
        let transient: Set<Code> = [
            .tooManyRequests, .serverTimeout, .unavailable, .unreachable, .credentialsUnavailable, .timedOut, .idle,
            .connectionLost, .endedEarly,
        ]
        // A server that sends Retry-After expects to recover, whatever its status is.
        return transient.contains(code) || (code == .serverError && retryAfter != nil)
    }
}
