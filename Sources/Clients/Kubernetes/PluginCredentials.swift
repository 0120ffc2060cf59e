/// The credentials that a plug-in hands out, fresh enough for the next request.
///
/// However many requests wait for it, the plug-in runs once at a time.
actor PluginCredentials {
    private let run: @Sendable () async throws(KubernetesError) -> PluginCredential
    private let stopwatch: Stopwatch
    private var cache = PluginCredentialCache()
    private var isRunning = false
    private var lastFailure: KubernetesError?
    private let ended = EventCount()

    /// How many requests wait for a run that another began.
    var waiting: Int { ended.waiting }

    /// - Parameter run: runs the plug-in.
    init(stopwatch: Stopwatch, run: @escaping @Sendable () async throws(KubernetesError) -> PluginCredential) {
        self.stopwatch = stopwatch
        self.run = run
    }

    /// - Throws: `KubernetesError` with `credentialsUnavailable` when the plug-in fails, `cancelled` with the task.
    func current() async throws(KubernetesError) -> PluginCredentialCache.Entry {
        while true {
            if let entry = cache.current(now: stopwatch.elapsed()) { return entry }
            guard isRunning else { return try await runAlone() }
            let ticket = ended.ticket
            await ended.wait(after: ticket)
            if Task.isCancelled { throw Self.cancelled }
            // Whoever waited for a run shares its failure, save that of a task which was cancelled on the way.
            if let lastFailure, lastFailure.code != .cancelled, !isRunning { throw lastFailure }
        }
    }

    /// The server refused what a run gave: runs the plug-in anew, unless that has happened since.
    ///
    /// - Returns: whether there is another credential now, so that another attempt makes sense.
    func renew(after refused: PluginCredentialCache.Entry) async -> Bool {
        guard cache.refuse(run: refused.run, now: stopwatch.elapsed()) else { return false }
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
            return cache.ran(credential, now: stopwatch.elapsed())
        } catch {
            lastFailure = error
            throw error
        }
    }

    private static let cancelled = KubernetesError(
        code: .cancelled, message: "cancelled while the credential plug-in was running")
}
