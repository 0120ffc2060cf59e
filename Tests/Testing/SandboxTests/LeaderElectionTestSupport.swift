import Foundation
import IsthmusTesting
import JSON
import Kubernetes
import Logging
import Sandbox
import Synchronization

/// A candidate with a client and a clock of its own, and what it reports.
final class Candidate: Sendable {
    let election: LeaderElection
    let client: KubernetesClient
    let clock: ManualClock
    private let changes: AsyncStream<Bool>
    private let report: AsyncStream<Bool>.Continuation
    private let running = Mutex<Task<Void, Never>?>(nil)
    /// What reports wait for; `nil` when they return at once.
    private let gate = Mutex<(gate: AsyncStream<Void>, opener: AsyncStream<Void>.Continuation)?>(nil)

    fileprivate init(election: LeaderElection, client: KubernetesClient, clock: ManualClock) {
        self.election = election
        self.client = client
        self.clock = clock
        (changes, report) = AsyncStream.makeStream(of: Bool.self)
    }

    func start() {
        let task = Task {
            await election.run { [self] isLeading in
                report.yield(isLeading)
                let gate = gate.withLock { $0?.gate }
                // In a task of its own, since a cancelled one does not wait.
                if let gate { await Task { for await _ in gate {} }.value }
            }
        }
        running.withLock { $0 = task }
    }

    /// Cancels it, and waits for its end.
    func stop() async {
        running.withLock { $0 }?.cancel()
        await ended()
    }

    func ended() async { await running.withLock { $0 }?.value }

    /// What it reports next.
    func nextChange() async -> Bool? {
        for await change in changes { return change }
        return nil
    }

    /// Has the reports from now on not return.
    func holdReports() {
        let (stream, opener) = AsyncStream.makeStream(of: Void.self)
        gate.withLock { $0 = (stream, opener) }
    }

    func letReportsGo() {
        gate.withLock { gate in
            defer { gate = nil }
            return gate?.opener
        }?.finish()
    }
}

/// - Parameter isRealTime: lets time pass by itself, faster than is usual; else it stands still.
func withCandidate<Result: Sendable>(
    _ identity: String, of server: APIServer, isRealTime: Bool = false,
    wallClock: @escaping @Sendable () -> Duration = { .seconds(Date().timeIntervalSince1970) },
    _ body: @Sendable (Candidate) async throws -> Result
) async throws -> Result {
    // One that stands still too, but not that of the election, whose sleepers are counted: a busy server is no failure.
    let patience: any Clock<Duration> = isRealTime ? ContinuousClock() : ManualClock()
    let client = try KubernetesClient(
        ClusterConfiguration(server: try await server.address.url), userAgent: "test", logger: .silent, clock: patience)
    var configuration = LeaderElection.Configuration(name: "main", namespace: "default", identity: identity)
    if isRealTime {
        configuration.leaseDuration = .seconds(3)
        configuration.renewDeadline = .seconds(2)
        configuration.retryPeriod = .milliseconds(100)
    }
    let manual = ManualClock()
    let clock: any Clock<Duration> = isRealTime ? ContinuousClock() : manual
    let election = try LeaderElection(
        client: client, configuration: configuration, logger: .silent, clock: clock, wallClock: wallClock)
    let candidate = Candidate(election: election, client: client, clock: manual)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(candidate)) } catch { outcome = .failure(error) }
    candidate.letReportsGo()
    await server.removeFaults()
    await candidate.stop()
    await client.shutdown()
    return try outcome.get()
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension APIServer {
    var lease: JSONValue? { store.lease }
}

extension ResourceStore {
    var lease: JSONValue? { object(.lease, namespace: "default", name: "main").map { .object($0) } }
}

extension ResourceStore.Request {
    /// What somebody else does to the lease.
    static func lease(_ verb: ResourceStore.Verb, _ body: JSONValue) -> Self {
        let whole: JSONValue = [
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "main"],
        ]
        return Self(verb, .lease, namespace: "default", name: "main", body: whole.applying(mergePatch: body))
    }
}
