import Consul
import Conventions
import Foundation
import HTTP
import IsthmusTesting
import IstioAPI
import Services
import Settings
import Sources
import Testing

@testable import ConsulRegistry

@Suite("the configuration of a Consul")
struct ConsulSettingsTests {
    private static func settings(_ yaml: String) throws(ConfigurationError) -> ConsulSettings {
        let kind = ConsulKind()
        let section = try ConfigurationSection(yaml, file: "isthmus.yaml")
        guard case .mapping(let keys) = kind.key.kind else { fatalError("it is a mapping") }
        try section.check(keys)
        return try ConsulSettings(section, protocols: kind.formats.protocols)
    }

    @Test("servers suffice, and everything else has a default")
    func defaults() throws {
        let settings = try Self.settings("servers: [consul-1, \"[fd00::1]:8501\"]")
        #expect(settings.client.servers.map(\.url) == ["http://consul-1:8500", "http://[fd00::1]:8501"])
        #expect(settings.selection == .init())
        #expect(settings.rules == .init() && settings.rules.servesWarning)
        #expect(settings.policy.standardProtocol.name == "http")
        #expect(settings.client.connections == 90 && settings.wait == .seconds(120))
        #expect(try settings.client.token() == nil)
    }

    @Test("everything that can be said is taken")
    func everything() throws {
        let folder = try TemporaryFolder(label: "consul")
        let token = try folder.write("geheim\n", to: "token")
        let settings = try Self.settings(
            """
            servers: ["consul:8501"]
            tokenFile: \(token)
            tls: { serverName: consul.acme }
            datacenters: [dc1, dc2]
            namespaces: [default, shop]
            partitions: [east]
            services: { exclude: ["*-internal"] }
            protocol: { key: proto, default: tcp }
            warning: refuse
            address: wan
            datacenter: region
            connections: 500
            wait: 5m
            """)
        #expect(settings.client.servers.map(\.url) == ["https://consul:8501"])
        #expect(settings.client.tls?.serverName == "consul.acme")
        #expect(try settings.client.token() == "geheim")
        #expect(
            settings.selection.scopes.map(\.description) == [
                "dc1/east/default", "dc1/east/shop", "dc2/east/default", "dc2/east/shop",
            ])
        let rules = settings.rules
        #expect(rules.hasSeveralDatacenters && rules.hasSeveralNamespaces && !rules.hasSeveralPartitions)
        #expect(!rules.servesWarning && rules.taggedAddress == "wan" && rules.datacenterMeaning == .region)
        #expect(settings.policy.protocolKey == "proto" && settings.policy.standardProtocol.name == "tcp")
        #expect(settings.client.connections == 500 && settings.wait == .seconds(300))
        // The token is read again for each new connection.
        try folder.write("anders\n", to: "token")
        #expect(try settings.client.token() == "anders")
    }

    @Test(
        "what can't be meant is refused where it stands",
        arguments: [
            ("servers: []", "at least one HOST:PORT"), ("servers: [\"http://a\"]", "neither a scheme"),
            ("servers: [a]\ntokenFile: /nowhere", "/nowhere"), ("servers: [a]\nwait: 1h", "1s to 10m"),
            ("servers: [a]\ndatacenters: []", "at least one name"), ("servers: [a]\nnamespaces: [\"*\"]", "name each"),
            ("servers: [a]\ndatacenters: [x, x]", "twice"),
            ("servers: [a]\ntokenEnv: ISTHMUS_NO_SUCH", "ISTHMUS_NO_SUCH"),
            ("servers: [a]\ntls: { caFile: /nowhere }", "can't be used"),
        ])
    func refused(yaml: String, words: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.settings(yaml) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.place.hasPrefix("isthmus.yaml") == true || yaml.contains("/nowhere"))
    }

    @Test("a URL names servers and a datacenter, and neither token nor parameters")
    func url() throws {
        let protocols = ConsulKind().formats.protocols
        let settings = try ConsulSettings(url: "consul://a:8500,b/dc2/", protocols: protocols)
        #expect(settings.client.servers.map(\.url) == ["http://a:8500", "http://b:8500"])
        #expect(settings.selection.scopes == [ConsulScope(datacenter: "dc2")])
        for url in ["consul://", "consul://a/b/c", "consul://geheim@a", "consul://a?token=geheim"] {
            let error = #expect(throws: ConfigurationError.self) { try ConsulSettings(url: url, protocols: protocols) }
            #expect(error?.description.contains("geheim") == false)
        }
    }
}
