import Addressing
import Deliveries
import Dubbo
import Foundation
import IsthmusTesting
import IstioAPI
import Logging
import Planning
import Services
import Settings
import Sources
import Status
import Synchronization
import Testing

@testable import Bridge

/// The proof of the seams: a registry and a way out that exist only in this file go from a configuration to a delivered
/// resource, and no line elsewhere knows them.
@Suite("a new kind of registry and a new kind of delivery", .timeLimit(.minutes(1)))
struct NewKindTests {
    private let delivered = Observed<[ResourceKey: Resource]>([:])

    private var kinds: Kinds {
        Kinds(
            registries: Kinds.standard.registries + [ListKind()],
            deliveries: Kinds.standard.deliveries + [RecordKind(delivered: delivered)])
    }

    private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static let yaml = """
        registries:
          - name: mine
            list:
              services:
                - { name: com.acme.Cart, endpoints: ["10.0.0.1:7000", "10.0.0.2:20881"] }
                - { name: com.acme.Order, endpoints: ["10.0.0.3:7000"] }
        translation: { outlierDetection: off }
        delivery:
          record: { namespace: shop }
        """

    @Test("what a configuration names goes through the bridge and arrives as a resource")
    func delivers() async throws {
        let configuration = try BridgeConfiguration(yaml: Self.yaml, file: "isthmus.yaml", kinds: kinds)
        #expect(configuration.deliveries.map(\.name) == ["record"])
        let service = try BridgeService(configuration, logger: silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            await delivered.wait { $0.count == 2 }
            let key = ResourceKey(namespace: "shop", name: "com.acme.cart")
            guard case .serviceEntry(let entry) = try #require(delivered.value[key]) else {
                Issue.record("\(key) should be a ServiceEntry")
                return
            }
            #expect(entry.endpoints.map(\.address) == ["10.0.0.1", "10.0.0.2"])
            #expect(entry.endpoints.map(\.ports) == [["tcp-list": 7000], ["tcp-list": 20881]])
            #expect(entry.annotations["isthmus.mesh/registries"] == "mine")
            let status = await service.status()
            #expect(status.isReady)
            #expect(status.registries.map(\.name) == ["mine"])
            #expect(status.registries.map(\.health) == [.healthy])
            #expect(status.registries.map(\.instances) == [3])
            #expect(status.deliveries.map(\.name) == ["record"])
            group.cancelAll()
        }
    }

    @Test("the flag --registry takes the new kind's URLs, and an error about another URL names their form")
    func flag() throws {
        try Self.withKubeconfig { kubeconfig in
            func configuration(_ registry: String) throws -> BridgeConfiguration {
                try BridgeConfiguration(
                    registry: registry, kubeconfig: kubeconfig, context: nil, namespace: nil, instance: nil,
                    kinds: kinds)
            }
            let registry = try #require(try configuration("list://com.acme.Cart=10.0.0.1:7000").registries.first)
            #expect(registry.name == "list")
            let settings = try #require(registry.settings as? ListSettings)
            #expect(settings.services.keys.sorted() == ["com.acme.Cart"])
            #expect(settings.services["com.acme.Cart"]?.map(\.port) == [7000])
            let error = #expect(throws: ConfigurationError.self) { try configuration("lists://x") }
            #expect(error?.description.contains(ListKind().urlForm) == true)
            #expect(error?.description.contains("zookeeper://") == true)
        }
    }

    @Test(
        "an unknown key, a missing one and an impossible value are told of by the new kind's schema",
        arguments: [
            (
                "list: { servces: [] }", "delivery: { record: {} }",
                "unknown key 'registries[0].list.servces'; did you mean 'services'?"
            ),
            (
                "list: { services: [{ name: a, endpoints: [x] }] }", "delivery: { record: {} }",
                "'registries[0].list.services[0].endpoints': must be HOST:PORT, and is 'x'"
            ),
            (
                "list: { services: [{ endpoints: [] }] }", "delivery: { record: {} }",
                "'registries[0].list.services[0].name': is needed: the service"
            ),
            (
                "list: { services: [] }", "delivery: { record: { namspace: shop } }",
                "unknown key 'delivery.record.namspace'; did you mean 'namespace'?"
            ),
            ("lst: {}", "delivery: { record: {} }", "unknown key 'registries[0].lst'; did you mean 'list'?"),
        ])
    func errors(registry: String, delivery: String, message: String) {
        let yaml = "registries: [{ name: mine, \(registry) }]\n\(delivery)\n"
        let error = #expect(throws: ConfigurationError.self) {
            try BridgeConfiguration(yaml: yaml, file: "isthmus.yaml", kinds: kinds)
        }
        #expect(error?.message == message)
        #expect(error?.place.hasPrefix("isthmus.yaml:") == true)
    }

    @Test("the reference lists the new kinds' keys beside all others, and the published one does not")
    func reference() {
        let reference = ConfigurationKey.reference(BridgeConfiguration.schema(kinds))
        for key in [
            "registries[].list", "registries[].list.services", "registries[].list.services[].endpoints",
            "registries[].zookeeper.servers", "delivery.record.namespace", "delivery.directory.path",
        ] {
            #expect(reference.contains("| `\(key)` |"), "\(key)")
        }
        #expect(!BridgeConfiguration.reference.contains("registries[].list"))
    }

    /// A kubeconfig in a folder of the test's own.
    private static func withKubeconfig(_ body: (String) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "isthmus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let text = """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
            users: [{name: u, user: {}}]
            contexts: [{name: c, context: {cluster: c, user: u, namespace: mine}}]
            current-context: c
            """
        try text.write(to: file, atomically: true, encoding: .utf8)
        try body(file.path)
    }
}

// MARK: - A registry

/// A registry whose services stand in the configuration.
private struct ListKind: RegistryKind {
    static let `protocol` = PortProtocol("list", .tcp)

    let formats = [
        FormatDefaults(
            protocols: [ProtocolDefaults(Self.protocol, scheme: "list", port: 7000, isPlain: true)], weight: 1,
            labels: [])
    ]
    let urlForm = "list://SERVICE=HOST:PORT[,SERVICE=HOST:PORT…]"

    var key: ConfigurationKey {
        ConfigurationKey(
            "list",
            .mapping([
                ConfigurationKey(
                    "services",
                    .list(of: [
                        ConfigurationKey("name", .text, "the service", isRequired: true),
                        ConfigurationKey("endpoints", .texts, "each `HOST:PORT`", isRequired: true),
                    ]),
                    "what there is", isRequired: true)
            ]),
            "services that stand in the configuration")
    }

    func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings {
        var settings = ListSettings()
        for service in try section.mappings("services") ?? [] {
            for text in try service.strings("endpoints") ?? [] {
                guard let instance = Instance(place: text) else {
                    throw service.failure("endpoints", "must be HOST:PORT, and is '\(text)'")
                }
                settings.services[try service.string("name") ?? "", default: []].append(instance)
            }
        }
        return settings
    }

    func settings(url: String) throws(ConfigurationError) -> any RegistrySettings {
        var settings = ListSettings()
        for part in url.dropFirst("list://".count).split(separator: ",") {
            let sides = part.split(separator: "=")
            guard sides.count == 2, let instance = Instance(place: sides[1]) else {
                throw ConfigurationError(place: "--registry", message: "'\(part)' is not SERVICE=HOST:PORT")
            }
            settings.services[String(sides[0]), default: []].append(instance)
        }
        return settings
    }
}

private struct ListSettings: RegistrySettings {
    var services: [String: [Instance]] = [:]

    func source(_ context: SourceContext) -> any Source { ListSource(name: context.name, services: services) }
}

/// Reads the list at the start and when it is asked to.
private struct ListSource: Source {
    let name: String
    let services: [String: [Instance]]

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await read(emit)
        for await _ in requests { await read(emit) }
    }

    private func read(_ emit: @Sendable (SourceEvent) async -> Void) async {
        await emit(.begin)
        for (name, instances) in services.sorted(by: { $0.key < $1.key }) {
            let keyed = instances.map { (InstanceKey("\(name) \($0.host):\($0.port)"), $0) }
            await emit(
                .services(
                    name: name,
                    [ServiceID(name: name, protocol: ListKind.protocol): Dictionary(uniqueKeysWithValues: keyed)]))
        }
        await emit(.complete)
    }
}

extension Instance {
    fileprivate init?(place text: some StringProtocol) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let port = UInt16(parts[1]) else {
            return nil
        }
        self.init(host: .address(address), port: port)
    }
}

// MARK: - A delivery

/// A way out that keeps what is wanted in memory.
private struct RecordKind: DeliveryKind {
    let delivered: Observed<[ResourceKey: Resource]>

    let keys: [ConfigurationKey] = [
        ConfigurationKey(
            "record", .mapping([ConfigurationKey("namespace", .text, "where resources go", standard: "`record`")]),
            "keeps what is wanted in memory")
    ]

    func deliveries(_ section: ConfigurationSection) throws -> [any DeliverySettings] {
        guard let section = try section.mapping("record") else { return [] }
        return [RecordSettings(namespace: try section.string("namespace") ?? "record", delivered: delivered)]
    }
}

private struct RecordSettings: DeliverySettings {
    let name = "record"
    let namespace: String?
    let delivered: Observed<[ResourceKey: Resource]>

    func memory(instance: String) -> DeliveryMemory { .objects }

    func delivery(_ context: DeliveryContext) -> any Delivery { RecordDelivery(name: name, delivered: delivered) }
}

private final class RecordDelivery: Delivery {
    let name: String
    private let delivered: Observed<[ResourceKey: Resource]>
    private let keys = AsyncStream.makeStream(of: [ResourceKey].self)

    init(name: String, delivered: Observed<[ResourceKey: Resource]>) {
        self.name = name
        self.delivered = delivered
    }

    func run(desired: any DesiredState) async {
        await desired.seed([], from: name)
        for await keys in keys.stream {
            for key in keys {
                let wanted = await desired.wanted(key)
                if wanted != .undecided { delivered.change { $0[key] = wanted.resource } }
            }
        }
    }

    func changed(_ keys: [ResourceKey]) { self.keys.continuation.yield(keys) }

    func report(limit: Int) -> DeliveryReport { DeliveryReport() }
}
