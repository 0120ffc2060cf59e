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

    @Test("fault 3: providers whose sessions expire together stay in the mesh until the registry is back")
    func sessionsExpire() async throws {
        try await Self.withProxy(maxSessionTimeout: .seconds(2)) { scene, proxy in
            let all = Self.providers(0..<40)
            try await scene.withZooKeeper { client in
                for interface in Self.services { try await client.ensurePath("/dubbo/\(interface)/providers") }
            }
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                try await MeshObserver.watching(scene) { mesh in
                    // Their way to the registry leads through the proxy, the bridge's does not.
                    try await scene.withSessions(through: proxy, each: all, count: 4) {
                        mesh.expect(all)
                        try await mesh.wait(standing: all.count)
                        mesh.expect(all)
                        await proxy.blackHole()
                        try await bridge.status("losses are held") { $0.registry["hold"] != nil }
                    }
                    try await mesh.wait(standing: all.count, within: .seconds(10))
                    #expect(try await scene.registered().isEmpty, "all sessions are over")
                    #expect(mesh.lowest >= Self.nearlyAll(all.count), "\(mesh.lowest) of \(all.count) stood")
                    let status = try await bridge.status()
                    #expect(status.registry["health"] == "healthy" && status.registry["hold"]?["releasesIn"] == nil)

                    // An address that another application registers is no longer the first one's.
                    let address = all[0].address
                    try await scene.register(
                        "dubbo://\(address)/\(Self.stock)?application=stock&interface=\(Self.stock)",
                        interface: Self.stock)
                    try await eventually("the address is the other service's alone") {
                        mesh.endpoints(of: "com.acme.stock") == [address]
                            && !mesh.endpoints(of: all[0].interface.lowercased()).contains(address)
                    }
                    try await scene.register(Array(all.dropFirst()))
                    try await bridge.status("nothing is held") { $0.registry["hold"] == nil }
                    try await scene.waitUntilEqual()
                }
            }
        }
    }

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
    /// Registers providers in sessions of their own, through a proxy, while the body runs.
    fileprivate func withSessions(
        through proxy: ChaosProxy, each providers: [Provider], count: Int, _ body: () async throws -> Void
    ) async throws {
        var configuration = ZooKeeperClient.Configuration()
        configuration.sessionTimeout = .seconds(1)
        let clients = try (0..<count).map { _ in
            ZooKeeperClient(try ConnectionString(proxy.address + chroot), configuration: configuration)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { await client.run() } }
            defer { group.cancelAll() }
            for (index, provider) in providers.enumerated() {
                let client = clients[index % count]
                try await client.waitUntilConnected()
                try await client.create(provider.path, mode: .ephemeral)
            }
            try await body()
        }
    }

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
