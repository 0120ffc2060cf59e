import Concurrency
import Synchronization
import Testing

@testable import Kubernetes

@Suite("The credential of a plug-in")
struct PluginCredentialCacheTests {
    private func credential(_ token: String, lifetime: Duration? = nil) -> PluginCredential {
        PluginCredential(token: Secret(token), lifetime: lifetime)
    }

    private func expectRefusal(
        of cache: inout PluginCredentialCache, run: Int, now: Duration, makesSense: Bool
    ) {
        let answer = cache.refuse(run: run, now: now)
        #expect(answer == makesSense)
    }

    @Test("is used until shortly before it expires")
    func expiry() {
        var cache = PluginCredentialCache()
        #expect(cache.current(now: .zero) == nil)
        _ = cache.ran(credential("a", lifetime: .seconds(600)), now: .seconds(100))
        #expect(cache.current(now: .seconds(689))?.credential.token?.value == "a")
        #expect(cache.current(now: .seconds(690)) == nil)
        // Ten seconds would be too large a part of a short lifetime.
        _ = cache.ran(credential("b", lifetime: .seconds(20)), now: .seconds(700))
        #expect(cache.current(now: .seconds(717)) != nil)
        #expect(cache.current(now: .seconds(718)) == nil)
        // A credential that expired on its way does not make the plug-in run for each request.
        _ = cache.ran(credential("c", lifetime: .zero), now: .seconds(800))
        #expect(cache.current(now: .milliseconds(800_900)) != nil)
        #expect(cache.current(now: .seconds(801)) == nil)
    }

    @Test("without an expiry is used until the server refuses it")
    func refusal() {
        var cache = PluginCredentialCache()
        let first = cache.ran(credential("a"), now: .zero)
        #expect(cache.current(now: .seconds(1_000_000)) != nil)
        expectRefusal(of: &cache, run: first.run, now: .seconds(5), makesSense: true)
        #expect(cache.current(now: .seconds(5)) == nil)
        let second = cache.ran(credential("b"), now: .seconds(6))
        // A request with the first credential is refused late, when a newer credential exists already.
        expectRefusal(of: &cache, run: first.run, now: .seconds(7), makesSense: true)
        #expect(cache.current(now: .seconds(7))?.run == second.run)
    }

    @Test("is not requested again and again when the plug-in repeats a refused credential")
    func repeatedCredential() {
        var cache = PluginCredentialCache()
        let first = cache.ran(credential("a"), now: .zero)
        expectRefusal(of: &cache, run: first.run, now: .seconds(1), makesSense: true)
        let second = cache.ran(credential("a"), now: .seconds(1))
        expectRefusal(of: &cache, run: second.run, now: .seconds(2), makesSense: false)
        #expect(cache.current(now: .seconds(2)) != nil)
        expectRefusal(of: &cache, run: second.run, now: .seconds(11), makesSense: true)
    }
}

@Suite("Credentials from a plug-in", .timeLimit(.minutes(1)))
struct PluginCredentialsTests {
    /// A plug-in that counts its runs, and that the test can block.
    private final class Plugin: Sendable {
        let runs = Atomic(0)
        let release = EventCount()
        let isHeld = Atomic(false)
        let outcome = Mutex<KubernetesError?>(nil)

        func run() async throws(KubernetesError) -> PluginCredential {
            let ticket = release.ticket
            let number = runs.add(1, ordering: .sequentiallyConsistent).newValue
            if isHeld.load(ordering: .sequentiallyConsistent) { await release.wait(after: ticket) }
            if Task.isCancelled { throw KubernetesError(code: .cancelled, message: "") }
            if let error = outcome.withLock({ $0 }) { throw error }
            return PluginCredential(token: Secret("token \(number)"))
        }
    }

    private func credentials(_ plugin: Plugin) -> PluginCredentials {
        PluginCredentials(stopwatch: Stopwatch(ContinuousClock())) { () async throws(KubernetesError) in
            try await plugin.run()
        }
    }

    @Test("come from one run, however many requests wait for it, and so do failures", arguments: [false, true])
    func sharing(fails: Bool) async throws {
        let plugin = Plugin()
        plugin.isHeld.store(true, ordering: .sequentiallyConsistent)
        if fails { plugin.outcome.withLock { $0 = KubernetesError(code: .credentialsUnavailable, message: "no") } }
        let credentials = credentials(plugin)
        let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 {
                group.addTask { try? await credentials.current().credential.token?.value }
            }
            try await until {
                guard plugin.runs.load(ordering: .sequentiallyConsistent) == 1 else { return false }
                return await credentials.waiting == 19
            }
            plugin.release.signal()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tokens == Array(repeating: fails ? nil : "token 1", count: 20))
        #expect(plugin.runs.load(ordering: .sequentiallyConsistent) == 1)
    }

    @Test("are requested again by a waiting request when the request that ran the plug-in is cancelled")
    func cancellation() async throws {
        let plugin = Plugin()
        plugin.isHeld.store(true, ordering: .sequentiallyConsistent)
        let credentials = credentials(plugin)
        try await withThrowingTaskGroup(of: String?.self) { group in
            try await withThrowingTaskGroup(of: Void.self) { cancelled in
                cancelled.addTask { _ = try? await credentials.current() }
                try await until { plugin.runs.load(ordering: .sequentiallyConsistent) > 0 }
                group.addTask { try await credentials.current().credential.token?.value }
                try await until { await credentials.waiting > 0 }
                plugin.isHeld.store(false, ordering: .sequentiallyConsistent)
                cancelled.cancelAll()
            }
            let token = try await group.next()
            #expect(token == "token 2")
        }
    }

    @Test("end a request's wait when it is cancelled")
    func cancelledWaiter() async throws {
        let plugin = Plugin()
        plugin.isHeld.store(true, ordering: .sequentiallyConsistent)
        let credentials = credentials(plugin)
        try await withThrowingTaskGroup(of: Void.self) { runner in
            runner.addTask { _ = try? await credentials.current() }
            try await until { plugin.runs.load(ordering: .sequentiallyConsistent) > 0 }
            let code = try await withThrowingTaskGroup(of: KubernetesError.Code?.self) { waiter in
                waiter.addTask {
                    do throws(KubernetesError) { _ = try await credentials.current() } catch { return error.code }
                    return nil
                }
                try await until { await credentials.waiting > 0 }
                waiter.cancelAll()
                return try await waiter.next() ?? nil
            }
            #expect(code == .cancelled)
            plugin.release.signal()
        }
    }

    @Test("are renewed once for all requests that were refused with the same credential")
    func renewal() async throws {
        let plugin = Plugin()
        let credentials = credentials(plugin)
        let first = try await credentials.current()
        for _ in 0..<3 { #expect(await credentials.renew(after: first)) }
        #expect(try await credentials.current().credential.token?.value == "token 2")
        #expect(plugin.runs.load(ordering: .sequentiallyConsistent) == 2)
    }
}
