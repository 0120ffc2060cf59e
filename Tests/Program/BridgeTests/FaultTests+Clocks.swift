import Addressing
import Catalog
import Dubbo
import Foundation
import IsthmusTesting
import Kubernetes
import Pipeline
import Sandbox
import Services
import Sources
import Synchronization
import Testing

@testable import Bridge

/// A process can't move the clock of its machine. What can be shown is that every time of a wall clock that reaches the
/// bridge, its own and those that others tell, may jump by hours without a consequence; and that the bridge asks for no
/// other.
@Suite("a wall clock that jumps", .timeLimit(.minutes(1)))
struct ClockFaultTests {
    /// Hours forth and back with every look.
    private final class JumpingClock: Sendable {
        private let looks = Mutex(0)

        var sinceEpoch: Duration {
            let look = looks.withLock { looks in
                looks += 1
                return looks
            }
            return .seconds(1_700_000_000 + (look % 2 == 0 ? 1 : -1) * 7200 * (look % 5))
        }
    }

    @Test("fault 11: neither a lease nor a resource changes for a clock that jumps by hours")
    func cluster() async throws {
        let clock = JumpingClock()
        let server = APIServer(
            namespaces: ["default", Street.namespace],
            now: { Date(timeIntervalSince1970: clock.sinceEpoch / .seconds(1)) })
        try await withAPIServer(server) { cluster in
            let leader = try await PausedLeader(cluster, wallClock: { clock.sinceEpoch })
            try await leader.standing {
                try await leader.leads()
                try await withZooKeeperServer { registry in
                    try await registry.makePath("/dubbo")
                    try await Street.run(.init(leadership: leader), cluster, registry: try await registry.address) {
                        street in
                        for host in 1...9 {
                            try await registry.register("a.Cart", host)
                            try await street.wait(for: "a.cart", (1...host).map { "10.0.0.\($0)" })
                            try await leader.renews(in: cluster)
                            #expect(leader.election.isLeading)
                        }
                    }
                }
            }
        }
    }

    @Test("fault 11: what providers say of the time decides nothing", arguments: SeededGenerator.seeds(4))
    func providers(seed: UInt64) async {
        var random = SeededGenerator(seed: seed)
        let jumps = (0..<200).map { _ in Int64.random(in: -1_000_000_000...1_000_000_000, using: &random) }
        let calm = await life(timestamps: jumps.map { _ in 0 })
        let jumping = await life(timestamps: jumps)
        #expect(calm.map(\.keys.count) == jumping.map(\.keys.count))
        #expect(calm == jumping)
    }

    /// Providers come, many go at once, the hold runs out: what the cluster has after each step.
    private func life(timestamps: [Int64]) async -> [[String: [UInt8]]] {
        let (cluster, clock) = (FakeCluster(), ManualClock())
        let pipeline = PipelineActor.sample(cluster, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(pipeline)
        let decoder = ProviderDecoder(keptParameters: [])
        var seen: [[String: [UInt8]]] = []
        for (count, time) in [(100, 0), (60, 0), (60, 150), (60, 149), (60, 1), (60, 0), (100, 0), (95, 10)] {
            clock.advance(by: .seconds(time))
            await pipeline.accept(.begin, from: "zk")
            for name in ["a.Cart", "a.Order"] {
                let instances = (1...count).map { host in
                    let url = "dubbo://10.0.0.\(host):20880/\(name)?timestamp=\(timestamps[host])"
                    guard case .provider(let provider) = decoder.decode(node: url, interface: name) else {
                        preconditionFailure("a sample is a provider")
                    }
                    return (InstanceKey("\(name)-\(host)"), provider.instance)
                }
                await pipeline.accept(
                    .services(
                        name: name,
                        [ServiceID(name: name, protocol: "dubbo"): Dictionary(uniqueKeysWithValues: instances)]),
                    from: "zk")
            }
            await pipeline.accept(.complete, from: "zk")
            await cluster.settle(pipeline)
            seen.append(cluster.content)
        }
        return seen
    }

    @Test("fault 11: only what people read, and the expiry of credentials, asks for the time of day")
    func sources() throws {
        let allowed = [
            // What is written into a lease, for people.
            "Clients/Kubernetes/LeaderElection.swift",
            // A credential plug-in says by the wall clock how long a credential is good.
            "Clients/Kubernetes/CredentialCommand.swift", "Clients/Kubernetes/PluginCredential.swift",
            "Clients/Kubernetes/PluginCredentials.swift", "Clients/Kubernetes/CredentialReply.swift",
            "Program/Status/BridgeStatus.swift",
            // The time of a line of the log.
            "Program/Logs/LineLogHandler.swift",
            // A signature by an access key bears the time of day.
            "Clients/Nacos/Signature.swift",
            // istiod takes an object for the older the earlier it was made.
            "Deliveries/XDSDelivery/XDSDelivery+Work.swift",
            // How old a snapshot is, for the log.
            "Program/Snapshot/OpenFile.swift",
        ]
        let sources = URL(filePath: ServerTools.packageRoot).appending(path: "Sources")
        let readings = ["Date()", "Date.now", "SystemClock", "gettimeofday", "clock_gettime", "time(nil)"]
        for file in try #require(FileManager.default.enumerator(atPath: sources.path)?.allObjects as? [String]) {
            // The doubles and the test support stand for the world outside.
            guard file.hasSuffix(".swift"), !file.hasPrefix("Testing/"),
                !allowed.contains(file)
            else { continue }
            let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
            for reading in readings where text.contains(reading) { Issue.record("\(file) has \(reading)") }
        }
    }
}
