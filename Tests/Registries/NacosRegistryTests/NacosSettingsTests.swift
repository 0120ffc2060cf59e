import Conventions
import Foundation
import IsthmusTesting
import Nacos
import Services
import Settings
import Sources
import Testing

@testable import NacosRegistry

@Suite("the configuration of a Nacos")
struct NacosSettingsTests {
    private static func settings(_ yaml: String) throws(ConfigurationError) -> NacosSettings {
        let kind = NacosKind()
        let section = try ConfigurationSection(yaml, file: "isthmus.yaml")
        guard case .mapping(let keys) = kind.key.kind else { fatalError("it is a mapping") }
        try section.check(keys)
        return try NacosSettings(section, protocols: kind.formats.protocols)
    }

    @Test("servers suffice, and everything else has a default")
    func defaults() throws {
        let settings = try Self.settings("servers: [nacos-1, \"nacos-2:8849\"]")
        #expect(settings.client.servers.map(\.description) == ["nacos-1:8848", "nacos-2:8849"])
        #expect(settings.client.servers.map(\.grpcPort) == [9848, 9849])
        #expect(settings.client.contextPath == "/nacos")
        #expect(settings.namespaces == ["public"])
        #expect(settings.selection == ServiceSelection())
        #expect(settings.policy.standardProtocol.name == "http")
        #expect(settings.absenceDelay == .seconds(30))
        guard case .none = settings.client.credentials else {
            Issue.record("there is no user")
            return
        }
    }

    @Test("everything that can be said is taken")
    func everything() throws {
        let folder = try TemporaryFolder(label: "nacos")
        let password = try folder.write("geheim\n", to: "password")
        let settings = try Self.settings(
            """
            servers: ["nacos:8848"]
            grpcPort: 19848
            contextPath: ""
            username: isthmus
            passwordFile: \(password)
            tls: { serverName: nacos.acme }
            namespaces: ["", dev]
            groups: { include: ["prod-*"], exclude: [prod-x] }
            services: { exclude: ["*-internal"] }
            protocol: { key: proto, default: tcp }
            cluster: zone
            absenceDelay: 1m
            """)
        #expect(settings.client.servers.map(\.grpcPort) == [19848])
        #expect(settings.client.contextPath == "")
        #expect(settings.client.tls?.serverName == "nacos.acme")
        #expect(settings.namespaces == ["public", "dev"])
        #expect(settings.selection.groups == NameFilter(included: ["prod-*"], excluded: ["prod-x"]))
        #expect(settings.selection.services == NameFilter(excluded: ["*-internal"]))
        #expect(settings.policy.protocolKey == "proto")
        #expect(settings.policy.standardProtocol.name == "tcp")
        #expect(settings.clusterMeaning == .zone)
        #expect(settings.absenceDelay == .seconds(60))
        guard case .password(let user, let read) = settings.client.credentials else {
            Issue.record("there is a user")
            return
        }
        #expect(user == "isthmus")
        #expect(try read() == "geheim")
        try folder.write("neu\n", to: "password")
        #expect(try read() == "neu")
    }

    @Test(
        "what can't be meant is refused, with its key",
        arguments: [
            ("servers: []", "'servers'"),
            ("servers: [\"http://nacos:8848\"]", "'servers': must be HOST:PORT"),
            ("servers: [nacos]\nnamespaces: []", "'namespaces'"),
            ("servers: [nacos]\nnamespaces: [\"\", public]", "one stands there twice"),
            ("servers: [nacos]\ngroups: { include: [\"\"] }", "a pattern is empty"),
            ("servers: [nacos]\ncontextPath: nacos", "must be a path"),
            ("servers: [nacos]\nusername: u", "has no password"),
            ("servers: [nacos]\npasswordEnv: HOME", "needs a username"),
            ("servers: [nacos]\nusername: u\npasswordFile: /nonexistent", "/nonexistent"),
            ("servers: [nacos]\nusername: u\npasswordEnv: ISTHMUS_NO_SUCH", "ISTHMUS_NO_SUCH"),
            ("servers: [nacos]\naccessKeyEnv: HOME", "needs secretKeyFile"),
            ("servers: [nacos]\nsecretKeyEnv: HOME", "needs accessKeyFile"),
            ("servers: [nacos]\nusername: u\npasswordEnv: HOME\naccessKeyEnv: HOME\nsecretKeyEnv: HOME", "not both"),
            ("servers: [nacos]\nprotocol: { default: pigeon }", "'protocol.default': must be dubbo, grpc"),
            ("servers: [nacos]\ncluster: rack", "'cluster': must be none, zone or region"),
            ("servers: [nacos]\ntls: { caFile: /nonexistent }", "/nonexistent"),
            ("servers: [nacos]\ngrups: {}", "did you mean 'groups'?"),
        ])
    func refused(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.settings(yaml) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("a URL names servers, a namespace and a group")
    func url() throws {
        let settings = try NacosSettings(url: "nacos://n1,n2:8849/dev?group=blue", protocols: [])
        #expect(settings.client.servers.map(\.description) == ["n1:8848", "n2:8849"])
        #expect(settings.namespaces == ["dev"])
        #expect(settings.selection.groups.included == ["blue"])
        let error = #expect(throws: ConfigurationError.self) {
            try NacosSettings(url: "nacos://u:geheim@n1", protocols: [])
        }
        #expect(error?.description.contains("geheim") == false)
    }
}
