internal import Concurrency

/// The credentials of a credential plug-in, renewed before they expire.
///
/// The plug-in runs once at a time. All requests that wait share one run.
actor PluginCredentials {
    private let run: @Sendable () async throws(KubernetesError) -> PluginCredential
    private let stopwatch: Stopwatch
    private var cache = PluginCredentialCache()
    private var isRunning = false
    private var lastFailure: KubernetesError?
    private let ended = EventCount()

    /// The number of requests that wait for a run that another request began.
    var waiting: Int { ended.waiting }

    /// - Parameter run: runs the plug-in.
    init(stopwatch: Stopwatch, run: @escaping @Sendable () async throws(KubernetesError) -> PluginCredential) {
        self.stopwatch = stopwatch
        self.run = run
    }

    /// The credential for the next request.
    ///
    /// - Throws: `KubernetesError` with `credentialsUnavailable` when the plug-in fails, `cancelled` when the task is
    ///   cancelled.
    func current() async throws(KubernetesError) -> PluginCredentialCache.Entry {
        while true {
            if let entry = cache.current(now: stopwatch.elapsed) { return entry }
            guard isRunning else { return try await runAlone() }
            let ticket = ended.ticket
            await ended.wait(after: ticket)
            if Task.isCancelled { throw Self.cancelled }
            // A request that waited for a run shares the run's failure, except for the cancellation of the task that
            // ran it.
            if let lastFailure, lastFailure.code != .cancelled, !isRunning { throw lastFailure }
        }
    }

    /// Runs the plug-in again after the server refused a credential, unless a later run has succeeded already.
    ///
    /// - Returns: whether the credential is another one now, so that another attempt makes sense.
    func renew(after refused: PluginCredentialCache.Entry) async -> Bool {
        guard cache.refuse(run: refused.run, now: stopwatch.elapsed) else { return false }
        guard let entry = try? await current() else { return false }
        return !entry.credential.provesTheSame(as: refused.credential)
    }

    private func runAlone() async throws(KubernetesError) -> PluginCredentialCache.Entry {
        isRunning = true
        defer {
            isRunning = false
            ended.signal()
        }
        do throws(KubernetesError) {
            let credential = try await run()
            lastFailure = nil
            return cache.ran(credential, now: stopwatch.elapsed)
        } catch {
            lastFailure = error
            throw error
        }
    }

    private static let cancelled = KubernetesError(
        code: .cancelled, message: "cancelled while the credential plug-in was running")
}
