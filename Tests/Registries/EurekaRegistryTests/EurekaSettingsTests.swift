import Conventions
import Eureka
import Foundation
import HTTP
import IsthmusTesting
import IstioAPI
import Services
import Settings
import Sources
import Testing

@testable import EurekaRegistry

@Suite("the configuration of a Eureka")
struct EurekaSettingsTests {
    private static func settings(_ yaml: String) throws(ConfigurationError) -> EurekaSettings {
        let kind = EurekaKind()
        let section = try ConfigurationSection(yaml, file: "isthmus.yaml")
        guard case .mapping(let keys) = kind.key.kind else { fatalError("it is a mapping") }
        try section.check(keys)
        return try EurekaSettings(section, protocols: kind.formats.protocols)
    }

    @Test("servers suffice, and everything else has a default")
    func defaults() throws {
        let settings = try Self.settings("servers: [\"http://eureka-1:8761/eureka/\", \"https://eureka-2/x\"]")
        #expect(
            settings.client.servers.map(\.url) == ["http://eureka-1:8761/eureka", "https://eureka-2:443/x"])
        #expect(settings.naming == .application && settings.applications == NameFilter())
        #expect(settings.interval == .seconds(30) && settings.absenceDelay == .seconds(60))
        #expect(settings.client.user == nil)
    }

    @Test("everything that can be said is taken")
    func everything() throws {
        let folder = try TemporaryFolder(label: "eureka")
        let password = try folder.write("ge:h%eim\n", to: "password")
        let settings = try Self.settings(
            """
            servers: ["http://a:1/eureka"]
            username: isthmus
            passwordFile: \(password)
            tls: { serverName: eureka.acme }
            applications: { exclude: ["*-internal"] }
            names: vip
            protocol: { default: grpc }
            interval: 5s
            absenceDelay: 2m
            """)
        #expect(settings.client.user == "isthmus")
        #expect(try settings.client.password() == "ge:h%eim")
        #expect(settings.client.tls?.serverName == "eureka.acme")
        #expect(settings.applications == NameFilter(excluded: ["*-internal"]))
        #expect(settings.naming == .vip && settings.policy.standardProtocol.name == "grpc")
        #expect(settings.interval == .seconds(5) && settings.absenceDelay == .seconds(120))
    }

    @Test(
        "what can't be meant is refused where it stands",
        arguments: [
            ("servers: []", "at least one URL"), ("servers: [\"a:8761\"]", "must be a URL"),
            ("servers: [\"http://u:geheim@a/eureka\"]", "username"),
            ("servers: [\"http://a\"]\nusername: x", "no password"),
            ("servers: [\"http://a\"]\npasswordEnv: HOME", "needs a username"),
            ("servers: [\"http://a\"]\ninterval: 5m", "1s to 2m"),
        ])
    func refused(yaml: String, words: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.settings(yaml) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("geheim") == false)
    }

    @Test("a URL names servers and a path, and neither user nor parameters")
    func url() throws {
        let protocols = EurekaKind().formats.protocols
        let settings = try EurekaSettings(url: "eureka://a,b:1", protocols: protocols)
        #expect(settings.client.servers.map(\.url) == ["http://a:8761/eureka", "http://b:1/eureka"])
        let other = try EurekaSettings(url: "eureka://a:1/eureka/v2", protocols: protocols)
        #expect(other.client.servers.map(\.url) == ["http://a:1/eureka/v2"])
        for url in ["eureka://", "eureka://u:geheim@a", "eureka://a?x=geheim"] {
            let error = #expect(throws: ConfigurationError.self) { try EurekaSettings(url: url, protocols: protocols) }
            #expect(error?.description.contains("geheim") == false)
        }
    }
}
