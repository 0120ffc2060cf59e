internal import Foundation
internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import Testing

/// A bridge that serves istiod by itself, between a real ZooKeeper and a client that behaves like istiod's.
@Suite("istiod served by the bridge", .realServers, .serialized, .timeLimit(.minutes(5)))
struct XDSTests {
    private static let orders = "com.acme.Orders"
    private static let stock = "com.acme.Stock"
    private static let entries = "networking.istio.io/v1/ServiceEntry"

    /// A ZooKeeper behind a proxy, a bridge that is started when the body wants, and a port for istiod.
    private struct Street {
        let scene: Scene
        let proxy: ChaosProxy
        let folder: TemporaryFolder
        let reserved: ReservedPort
        var port: Int { reserved.port }

        func configuration(_ xds: String = "", translation: String = "") -> String {
            scene.configuration(
                servers: "127.0.0.1:\(proxy.port)", zooKeeper: ", sessionTimeout: 4s", translation: translation,
                delivery: "xds: { listen: \"127.0.0.1:\(port)\", state: \(folder.path(of: "state"))\(xds) }")
        }

        func withBridge(_ xds: String = "", _ body: (RunningBridge) async throws -> Void) async throws {
            let bridge = try RunningBridge(configuration(xds))
            try await Scene.stopping({ bridge.process }) { try await body(bridge) }
        }

        func withIstiod(
            _ manner: IstiodDouble.Manner = .acknowledging, _ body: (IstiodDouble) async throws -> Void
        ) async throws {
            let istiod = IstiodDouble(port: port, manner: manner)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await istiod.run() }
                defer { group.cancelAll() }
                try await body(istiod)
            }
        }
    }

    private static func run(_ body: (Street) async throws -> Void) async throws {
        try await FaultTests.withProxy { scene, proxy in
            try await body(
                Street(
                    scene: scene, proxy: proxy, folder: try TemporaryFolder(label: "xds"),
                    reserved: try ReservedPort()))
        }
    }

    private static func name(_ street: Street, _ interface: String) -> String {
        "\(street.scene.namespace)/\(interface.lowercased())"
    }

    @Test("services come, change and go in istiod's store, with virtual addresses and one rule beside them")
    func lifecycle() async throws {
        try await Self.run { street in
            let orders = Self.name(street, Self.orders)
            try await street.scene.register(Provider.many(Self.orders, 0..<2))
            try await street.withBridge { bridge in
                try await street.withIstiod { istiod in
                    try await eventually("istiod has two endpoints") {
                        istiod.endpoints(orders) == ["10.1.0.0:20880", "10.1.0.1:20880"] && istiod.isReady
                    }
                    guard case .serviceEntry(let entry)? = istiod.objects[orders] else { return }
                    #expect(entry.addresses.count == 1)
                    #expect(entry.hosts == ["com.acme.orders.mesh"])
                    #expect(
                        istiod.objects.values.contains { if case .destinationRule = $0 { true } else { false } })
                    try await street.scene.register(Provider.many(Self.stock, 0..<1))
                    try await street.scene.deregister(Provider.many(Self.orders, 0..<1))
                    try await eventually("istiod has followed") {
                        istiod.endpoints(orders) == ["10.1.0.1:20880"]
                            && istiod.endpoints(Self.name(street, Self.stock)) == ["10.1.0.0:20880"]
                    }
                    try await bridge.status("istiod has all") { status in
                        status.delivery["clients"]?.array?.contains { note in
                            note.string?.contains("istiod-default") == true
                                && note.string?.contains("has all 2 services") == true
                        } ?? false
                    }
                    let dump = try await Scene.isthmus(["xds-dump", "127.0.0.1:\(street.port)"])
                    #expect(dump.status == .code(0))
                    #expect(dump.standardOutput.contains("name: com.acme.orders\n"), "\(dump)")
                }
            }
        }
    }

    @Test("fault 7: without a state a start while the registry is down leaves ServiceEntries unanswered")
    func coldStartWithoutState() async throws {
        try await Self.run { street in
            try await street.scene.register(Provider.many(Self.orders, 0..<2))
            try await street.proxy.refuse()
            try await street.withBridge { bridge in
                try await street.withIstiod { istiod in
                    try await eventually("the types that are not ours are answered") {
                        istiod.unansweredTypes.count == 3
                    }
                    try await bridge.status("nothing is sent yet") {
                        $0.delivery["condition"]?["reason"]?.string?.contains("not every registry") == true
                    }
                    #expect(istiod.unansweredTypes.contains(Self.entries))
                    let dump = try await Scene.isthmus(["xds-dump", "127.0.0.1:\(street.port)", "--timeout", "1"])
                    #expect(dump.status == .code(3))
                    try await street.proxy.heal()
                    try await eventually("istiod has the service") {
                        istiod.endpoints(Self.name(street, Self.orders))?.count == 2 && istiod.isReady
                    }
                    #expect(istiod.connections == 1)
                }
            }
        }
    }

    @Test("fault 7: with the state of an earlier run istiod keeps everything while the registry is down")
    func coldStartWithState() async throws {
        try await Self.run { street in
            let orders = Self.name(street, Self.orders)
            try await street.scene.register(Provider.many(Self.orders, 0..<3) + Provider.many(Self.stock, 0..<3))
            try await street.withIstiod { istiod in
                var versions: [String: String] = [:]
                try await street.withBridge { _ in
                    try await eventually("istiod has both") {
                        istiod.endpoints(orders)?.count == 3
                            && istiod.endpoints(Self.name(street, Self.stock))?.count == 3
                    }
                    versions = istiod.versions
                }
                try await street.proxy.refuse()
                await street.proxy.cut()
                try await street.scene.deregister(Provider.many(Self.orders, 0..<1))
                let count = istiod.received.count
                try await street.withBridge { bridge in
                    try await eventually("istiod is answered by the new bridge") {
                        istiod.received.dropFirst(count).contains { $0.type == Self.entries }
                    }
                    #expect(istiod.versions == versions)
                    #expect(istiod.isReady)
                    // The provider went while nobody looked.
                    try await street.proxy.heal()
                    try await eventually("the provider that went is gone") { istiod.endpoints(orders)?.count == 2 }
                    #expect(istiod.endpoints(Self.name(street, Self.stock))?.count == 3)
                    // Nothing less was ever said.
                    #expect(
                        istiod.received.filter { $0.type == Self.entries }.allSatisfy { $0.names.count == 2 })
                    #expect(bridge.log.contains("istiod is served from the state of an earlier run"))
                }
            }
        }
    }

    @Test("fault 25: a killed bridge, a silent client and a refused set: all is said again, in order, and told")
    func clients() async throws {
        try await Self.run { street in
            let orders = Self.name(street, Self.orders)
            try await street.scene.register(Provider.many(Self.orders, 0..<1))
            try await street.withBridge { bridge in
                try await street.withIstiod { istiod in
                    try await eventually("istiod has it") { istiod.endpoints(orders)?.count == 1 }
                    let versions = istiod.versions
                    await bridge.kill()
                    #expect(istiod.endpoints(orders)?.count == 1)
                    try bridge.restart()
                    try await eventually("istiod is back, with the full state") {
                        istiod.connections >= 2 && istiod.isReady
                    }
                    #expect(istiod.versions == versions)

                    istiod.set(.silent)
                    let count = istiod.received.filter { $0.type == Self.entries }.count
                    for number in 1..<6 {
                        try await street.scene.register(Provider.many(Self.orders, number..<number + 1))
                    }
                    try await eventually("one set was sent") {
                        istiod.received.filter { $0.type == Self.entries }.count == count + 1
                    }
                    try await bridge.status("it was not acknowledged") { status in
                        status.delivery["clients"]?.array?.contains {
                            $0.string?.contains("has not acknowledged") == true
                        } ?? false
                    }
                    istiod.set(.acknowledging)
                    try await eventually("istiod has the newest") { istiod.endpoints(orders)?.count == 6 }

                    istiod.set(.refusing("not today"))
                    try await street.scene.register(Provider.many(Self.stock, 0..<1))
                    try await bridge.status("the set was refused") { status in
                        status.delivery["clients"]?.array?.contains { $0.string?.contains("not today") == true }
                            ?? false
                    }
                    #expect(bridge.log.contains("istiod refuses a set"))
                }
            }
        }
    }

    /// Where `scripts/setup-servers` puts gRPC for Python.
    private static var python: String {
        let servers = ProcessInfo.processInfo.environment["ISTHMUS_SERVERS"] ?? "\(ServerTools.packageRoot)/.servers"
        return "\(servers)/xds-venv/bin/python"
    }

    @Test("a client in another language, generated from the public numbers, reads what the bridge says")
    func otherLanguage() async throws {
        guard FileManager.default.fileExists(atPath: Self.python) else {
            Issue.record("there is no gRPC for Python here: scripts/setup-servers installs it")
            return
        }
        try await Self.run { street in
            try await street.scene.register(
                Provider.many(Self.orders, 0..<2, parameters: "&version=1.2") + Provider.many(Self.stock, 0..<1))
            let file = try street.folder.write(street.configuration(), to: "isthmus.yaml")
            let export = try await Scene.isthmus(["export", "--output", "json", "--config", file])
            let wanted = try JSONValue(parsing: export.standardOutput.utf8)
            try await street.withBridge { bridge in
                try await eventually("the sets are complete") { bridge.log.contains("sets complete") }
                let client = try await ChildProcess.run(
                    Self.python, [ServerTools.fixture("xds/client.py"), "127.0.0.1:\(street.port)", "4"])
                #expect(client.status == .code(0), "\(client)")
                let answers = try client.standardOutput.split(separator: "\n").map { try JSONValue(parsing: $0.utf8) }
                #expect(Set(answers.compactMap { $0["type"]?.string }).count == 6, "\(client)")
                #expect(answers.count == 6)
                var specs: [String: JSONValue] = [:]
                for object in answers.flatMap({ $0["objects"]?.array ?? [] }) {
                    specs["\(object["kind"]?.string ?? "") \(object["name"]?.string ?? "")"] = object["spec"]
                    #expect(object["created"]?.integer ?? 0 > 1_700_000_000)
                }
                let resources = wanted["items"]?.array ?? []
                #expect(resources.count == 3)
                #expect(specs.count == 3)
                for resource in resources {
                    let place = ["namespace", "name"].compactMap { resource["metadata"]?[$0]?.string }
                    let name = "\(resource["kind"]?.string ?? "") \(place.joined(separator: "/"))"
                    #expect(specs[name] == resource["spec"])
                }
            }
        }
    }
}
