internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

/// A registry that empties, and everything that looks like it.
extension FaultTests {
    private static let services = (0..<5).map { "com.acme.Service\($0)" }

    /// So many providers of each service.
    private static func providers(_ numbers: Range<Int>) -> [Provider] {
        services.enumerated().flatMap { index, interface in
            Provider.many(interface, numbers.lowerBound + index * 1_000..<numbers.upperBound + index * 1_000)
        }
    }

    /// At least 98 % of them, or all but three.
    private static func nearlyAll(_ count: Int) -> Int { min(count - 3, (count * 98 + 99) / 100) }

    /// How a registry empties.
    enum Emptying: CaseIterable {
        case oneByOne, recursively, afterSurge, slowly
    }

    @Test("fault 26: a registry that empties while its session is healthy loses nothing", arguments: Emptying.allCases)
    func emptied(_ way: Emptying) async throws {
        try await Scene.run { scene in
            var all = Self.providers(0..<20)
            try await scene.register(all)
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                try await MeshObserver.watching(scene) { mesh in
                    mesh.expect(all)
                    try await mesh.wait(standing: all.count)
                    if way == .afterSurge {
                        let more = Self.providers(20..<40)
                        try await scene.register(more)
                        all += more
                    }
                    mesh.expect(all)
                    try await mesh.wait(standing: all.count)
                    mesh.expect(all)
                    try await scene.empty(way, all)
                    try await bridge.status("losses are held") { $0.registry["hold"] != nil }
                    try await mesh.wait(standing: all.count, within: .seconds(10))
                    // Fast, nearly all stand at each moment; slowly, what went first is brought back.
                    let least = way == .slowly ? (all.count * 85 + 99) / 100 : Self.nearlyAll(all.count)
                    #expect(mesh.lowest >= least, "\(mesh.lowest) of \(all.count) stood")
                }
            }
        }
    }
}

extension Scene {
    fileprivate func empty(_ way: FaultTests.Emptying, _ providers: [Provider]) async throws {
        switch way {
        case .recursively, .afterSurge: try await deregister(providers)
        case .oneByOne, .slowly:
            let pause: Duration = way == .slowly ? .milliseconds(100) : .milliseconds(20)
            let start = ContinuousClock.now
            try await withZooKeeper { client in
                for (index, provider) in providers.enumerated() {
                    try await client.delete(provider.path)
                    try await Task.sleep(until: start + pause * (index + 1))
                }
            }
        }
    }
}
