import Bridge
import Dubbo
import IstioAPI
import Services
import Settings
import Sources
import Testing
import Translation

/// The bridge knows only what the kinds of registries bring.
@Suite("What the kinds of registries bring")
struct KindsTests {
    private static let chat = PortProtocol("chat", .tcp)

    /// A kind whose registrations have one protocol, which no other kind has.
    private struct ChatKind: RegistryKind {
        let key = ConfigurationKey("chat", .mapping([]), "a registry of chats")
        let urlForm = "chat://HOST"
        let formats = [
            FormatDefaults(
                protocols: [ProtocolDefaults(chat, scheme: "chat", port: 7000)], weight: 1, labels: ["team", "zone"])
        ]

        func settings(_ section: ConfigurationSection) throws(ConfigurationError) -> any RegistrySettings { Settings() }
        func settings(url: String) throws(ConfigurationError) -> any RegistrySettings { Settings() }
    }

    private struct Settings: RegistrySettings {
        func source(_ context: SourceContext) -> any Source { Silence(name: context.name) }
    }

    private struct Silence: Source {
        let name: String

        func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {}
    }

    private func configuration(_ ports: String, _ kinds: Kinds) throws -> BridgeConfiguration {
        let yaml = """
            registries: [{ name: c, chat: {} }]
            translation: { ports: { \(ports) } }
            delivery: { directory: { path: out } }
            """
        return try BridgeConfiguration(yaml: yaml, file: "f", kinds: kinds)
    }

    @Test("ports and labels are Istio's and those of the formats of the registries, and no others can be configured")
    func alone() throws {
        let kinds = Kinds(registries: [ChatKind()], deliveries: Kinds.standard.deliveries)
        let policy = try configuration("chat: 7001", kinds).translation
        let standard = ProtocolDefaults.standard.compactMap { known in known.port.map { (known.portProtocol, $0) } }
        #expect(policy.ports == Dictionary(standard + [(Self.chat, 7001)]) { $1 })
        #expect(policy.keptLabels == ["team", "zone"])
        let error = #expect(throws: ConfigurationError.self) { try configuration("tri: 1", kinds) }
        #expect(error?.description.contains("unknown key 'translation.ports.tri'") == true)
    }

    @Test("the formats of several kinds add up, each once")
    func several() throws {
        var kinds = Kinds.standard
        kinds.registries.append(ChatKind())
        let formats = kinds.formats
        #expect(formats.count == Kinds.standard.formats.count + 1)
        #expect(Kinds(registries: kinds.registries + [ChatKind()], deliveries: []).formats == formats)
        let policy = try configuration("tri: 1", kinds).translation
        #expect(policy.ports[Self.chat] == 7000 && policy.ports[.tri] == 1 && policy.ports[.dubbo] == 20880)
        #expect(
            policy.keptLabels == [
                "version", "dubbo.tag", "region", "zone", "nacos.cluster", "consul.datacenter", "team",
            ])
    }
}
