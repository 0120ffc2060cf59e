internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

extension FaultTests {
    @Test(
        "fault 22: after a storm of 1,000 changes a second the cluster equals the registry, and memory stays bounded"
    )
    func storm() async throws {
        let seconds = ProcessInfo.processInfo.environment["ISTHMUS_STORM_SECONDS"].flatMap { Int($0) } ?? 15
        try await Scene.runAlone(maxSessionTimeout: .seconds(40)) { scene in
            let interfaces = (0..<50).map { "com.acme.Service\($0)" }
            try await scene.register(interfaces.flatMap { Provider.many($0, 0..<20) })
            try await scene.withBridge(configured: BridgeOptions(registry: "sessionTimeout: 30s")) { bridge in
                try await scene.waitUntilEqual()
                let memory = try ProcessUsage(pid: bridge.process.pid).resident
                var peak = memory
                let began = ContinuousClock.now
                var storm = Storm(interfaces: interfaces)
                try await scene.withZooKeeper { client in
                    // Ten gusts a second. A machine that can't keep up has fewer of them.
                    for gust in 1...seconds * 10 {
                        let changes = storm.next(100)
                        try await withThrowingDiscardingTaskGroup { group in
                            for change in changes { group.addTask { try await change.make(client) } }
                        }
                        peak = max(peak, try ProcessUsage(pid: bridge.process.pid).resident)
                        try await Task.sleep(until: began + .milliseconds(100 * gust))
                    }
                }
                let rate = Double(seconds * 1000) / ((ContinuousClock.now - began) / .seconds(1))
                let waiting = ContinuousClock.now
                try await scene.waitUntilEqual()
                try await bridge.status("nothing is left to do") {
                    $0.delivery["pending"] == 0 && $0.delivery["failureCount"] == 0 && $0.registry["hold"] == nil
                }
                let patches = try scene.writes().count { $0.verb == "patch" }
                print(
                    "storm: \(Int(rate)) changes a second for \(seconds) s became \(patches) patches; equal after another "
                        + "\((ContinuousClock.now - waiting).formatted()); memory \(memory >> 20) MiB, at most \(peak >> 20) MiB"
                )
                #expect(patches < seconds * 1_000 / 4, "changes of one service become one write a burst")
                #expect(peak < memory + 96 << 20)
            }
        }
    }
}

/// Changes of a registry without end, half of them arrivals. Nobody's departure is a loss that looks like a failure,
/// since as many come as go.
private struct Storm {
    struct Change: Sendable {
        let provider: Provider
        let isArrival: Bool

        func make(_ client: ZooKeeperClient) async throws {
            if isArrival {
                _ = try await client.create(provider.path)
            } else {
                try await client.delete(provider.path)
            }
        }
    }

    private var random = SeededGenerator(seed: 22)
    /// Those that are registered, and those that are not.
    private var present: [Provider]
    private var absent: [Provider]

    /// - Parameter interfaces: Each has its first 20 providers.
    init(interfaces: [String]) {
        present = interfaces.flatMap { Provider.many($0, 0..<20) }
        absent = interfaces.flatMap { Provider.many($0, 20..<40) }
    }

    /// Changes of as many different providers.
    mutating func next(_ count: Int) -> [Change] {
        present.shuffle(using: &random)
        absent.shuffle(using: &random)
        let (leaving, coming) = (present.suffix(count / 2), absent.suffix(count / 2))
        present.removeLast(count / 2)
        absent.removeLast(count / 2)
        present += coming
        absent += leaving
        return leaving.map { Change(provider: $0, isArrival: false) }
            + coming.map { Change(provider: $0, isArrival: true) }
    }
}
