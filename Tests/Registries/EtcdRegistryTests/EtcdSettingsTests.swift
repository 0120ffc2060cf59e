import Addressing
import Declarations
import Etcd
import IsthmusTesting
import Settings
import Sources
import Testing

@testable import EtcdRegistry

@Suite("etcd in a configuration")
struct EtcdSettingsTests {
    private static func settings(_ text: String) throws(ConfigurationError) -> EtcdSettings {
        let section = try ConfigurationSection(text, file: "isthmus.yaml")
        guard case .mapping(let keys) = EtcdKind().key.kind else { throw section.failure("", "") }
        try section.check(keys)
        return try EtcdSettings(section)
    }

    @Test("servers, layouts and a user are read")
    func whole() throws {
        let folder = try TemporaryFolder(label: "etcd-settings")
        try folder.write("geheim\n", to: "password")
        let settings = try Self.settings(
            """
            servers: ["10.0.0.1:2379", "[fd00::1]:2379"]
            username: reader
            passwordFile: \(folder.path(of: "password"))
            rejoin: 1s
            layouts:
              - preset: go-zero
                prefixes: [user.rpc/, shop/]
              - preset: kitex
            """)
        #expect(settings.client.servers.map(\.description) == ["10.0.0.1:2379", "[fd00::1]:2379"])
        #expect(settings.client.user == "reader")
        #expect(try settings.client.password() == "geheim")
        #expect(settings.rejoin == .seconds(1))
        #expect(settings.layouts.beginnings == ["kitex/registry-etcd/", "shop/", "user.rpc/"])
    }

    @Test(
        "what can't be meant is an error that says where and why",
        arguments: [
            ("servers: []\nlayouts: [{preset: kratos}]", "'servers': at least one HOST:PORT is needed"),
            ("servers: [\"http://a:1\"]\nlayouts: [{preset: kratos}]", "it has neither a scheme nor a path"),
            ("servers: [\"a:1\"]\nlayouts: []", "'layouts': at least one is needed"),
            ("servers: [\"a:1\"]", "'layouts': is needed"),
            ("servers: [\"a:1\"]\nusername: x\nlayouts: [{preset: kratos}]", "has no password"),
            ("servers: [\"a:1\"]\npasswordEnv: X\nlayouts: [{preset: kratos}]", "needs a username"),
            ("servers: [\"a:1\"]\nrejoin: 1m\nlayouts: [{preset: kratos}]", "must be 10s at most"),
            ("servers: [\"a:1\"]\nlayouts: [{preset: go-zero}]", "name their beginnings at 'prefixes'"),
        ])
    func errors(text: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.settings(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test("a URL names servers, a layout and a prefix")
    func url() throws {
        let settings = try EtcdSettings(url: "etcd://a:2379,b:2379/user.rpc/?layout=go-zero")
        #expect(settings.client.servers.map(\.description) == ["a:2379", "b:2379"])
        #expect(settings.layouts.beginnings == ["user.rpc/"])
        #expect(try EtcdSettings(url: "etcd://a:2379?layout=kratos").layouts.beginnings == ["/microservices/"])
    }

    @Test(
        "a URL that can't be meant is an error without a secret",
        arguments: [
            "etcd://u:geheim@a:2379?layout=kratos", "etcd://a:2379", "etcd://a:2379?layout=geheims",
            "etcd://a:2379?x=y",
            "etcd://?layout=kratos", "etcd://a:2379?layout=go-zero",
        ])
    func badURLs(url: String) {
        let error = #expect(throws: ConfigurationError.self) { try EtcdSettings(url: url) }
        #expect(error?.description.contains("geheim@") == false)
    }
}
