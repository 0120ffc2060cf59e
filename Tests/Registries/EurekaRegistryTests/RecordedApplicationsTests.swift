import Conventions
import Foundation
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Settings
import Sources
import Testing

@testable import Eureka
@testable import EurekaRegistry

extension EurekaDecoder {
    static let standard = decoder()

    static func decoder(_ naming: Naming = .application) -> EurekaDecoder {
        EurekaDecoder(
            naming: naming,
            policy: ConventionPolicy(protocols: ProtocolDefaults.standard, standardWeight: 1),
            keptAttributes: ["version", "region", "zone"], hosts: HostRules(allowsLoopback: true))
    }
}

extension RegistrationReading {
    var lines: [String] {
        let services = self.services.sorted { $0.key < $1.key }.flatMap { id, instances in
            instances.values.sorted { $0.endpoint < $1.endpoint }.map { "    \(id): \($0.line)" }
        }
        return services + unusable.map { "    unusable: \($0.address): \($0.reason)" }
    }
}

extension Instance {
    fileprivate var line: String {
        var text = "\(host):\(port)"
        if weight != Instance.defaultWeight { text += " weight=\(weight)" }
        if !isEnabled { text += " disabled" }
        if !isHealthy { text += " unhealthy" }
        if locality != .unknown { text += " locality=\(locality.region)/\(locality.zone)" }
        return attributes.reduce(text) { $0 + " \($1.key)=\($1.value)" }
    }
}

@Suite("recorded applications of Eureka")
struct RecordedApplicationsTests {
    private static let folder = ServerTools.fixture("eureka")

    /// What the decoder reads in each answer of `apps`.
    private static func lines() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }.sorted().flatMap {
            file -> [String] in
            let json = try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(folder)/\(file)")))
            return try (json["exchanges"]?.array ?? []).flatMap { exchange -> [String] in
                guard exchange["request"]?["path"]?.string == "apps",
                    let body = exchange["response"]?["body"]?.string, body.hasPrefix("{"),
                    let document = try EurekaDocument(JSONValue(parsing: body.utf8))
                else { return [] }
                let names = Set(document.instances.flatMap(EurekaDecoder.standard.names))
                let services = names.sorted().flatMap { name in
                    let instances = document.instances.filter { EurekaDecoder.standard.names(of: $0).contains(name) }
                    return ["  \(name):"] + EurekaDecoder.standard.decode(name, instances).lines
                }
                return ["\(file): \(document.digest ?? "")"] + services
            }
        }
    }

    @Test("each answer is read as a person reads it")
    func recorded() throws {
        let expected = try String(contentsOf: URL(filePath: "\(Self.folder)/services.expected"), encoding: .utf8)
        let lines = try Self.lines()
        #expect(lines.count > 40)
        #expect(lines == expected.split(separator: "\n").map(String.init), "\n\(lines.joined(separator: "\n"))")
    }
}

@Suite("instances of Eureka")
struct EurekaDecoderTests {
    private static func lines(_ instance: EurekaInstance, as name: String = "cart") -> [String] {
        EurekaDecoder.standard.decode(name, [instance]).lines.map { String($0.drop { $0 == " " }) }
    }

    @Test("both ports are two services, and one number is one endpoint")
    func ports() {
        var instance = FakeEureka.instance("CART", "10.0.0.1", 8080)
        instance.securePort = 8443
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:8080", "https://cart: 10.0.0.1:8443"])
        instance.securePort = 8080
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:8080"])
        instance.port = nil
        #expect(Self.lines(instance) == ["https://cart: 10.0.0.1:8080"])
        instance.securePort = nil
        #expect(Self.lines(instance) == ["unusable: 10.0.0.1: none of its ports is enabled"])
    }

    @Test("an Amazon zone is a zone and a region, and metadata of that name counts more")
    func zones() {
        var instance = FakeEureka.instance("CART", "10.0.0.1")
        instance.availabilityZone = "us-east-1c"
        #expect(
            Self.lines(instance) == [
                "http://cart: 10.0.0.1:80 locality=us-east-1/us-east-1c region=us-east-1 zone=us-east-1c"
            ])
        instance.metadata = ["zone": "z1", "region": "r1", "weight": "2", "management.port": "80"]
        #expect(Self.lines(instance) == ["http://cart: 10.0.0.1:80 weight=200 locality=r1/z1 region=r1 zone=z1"])
    }

    @Test("virtual addresses name services, each of a list")
    func virtualAddresses() {
        var instance = FakeEureka.instance("SHOP", "10.0.0.1")
        instance.vipAddress = "Cart, orders"
        instance.securePort = 8443
        instance.secureVIPAddress = "safe"
        let decoder = EurekaDecoder.decoder(.vip)
        #expect(decoder.names(of: instance) == ["cart", "orders", "safe"])
        #expect(decoder.decode("orders", [instance]).lines == ["    http://orders: 10.0.0.1:80"])
        #expect(decoder.decode("safe", [instance]).lines == ["    https://safe: 10.0.0.1:8443"])
        #expect(EurekaDecoder.standard.names(of: instance) == ["shop"])
    }

    @Test("whatever a registry says, the reading is sound", arguments: SeededGenerator.seeds(16))
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let texts = ["", "CART", "é\u{301}", "a,b", ",", "10.0.0.1", "host-1", "::1", "\n", "0", "-1", "true", "us-1a"]
        let keys = ["protocol", "secure", "weight", "gRPC_port", "management.port", "zone", "region"]
        func any<Value>(_ values: [Value]) -> Value { values.randomElement(using: &random)! }
        for _ in 0..<300 {
            var instance = EurekaInstance(application: any(texts), id: any(texts))
            instance.hostName = any(texts)
            instance.address = any(texts)
            instance.port = any([nil, -1, 0, 80, 65_536, .max])
            instance.securePort = any([nil, 0, 80, 443])
            instance.vipAddress = any(texts)
            instance.secureVIPAddress = any(texts)
            instance.availabilityZone = any(texts)
            instance.metadata = Dictionary([(any(keys), any(texts)), (any(keys), any(texts))]) { $1 }
            instance.status = any(EurekaInstance.Status.allCases)
            let decoder = EurekaDecoder.decoder(any(EurekaDecoder.Naming.allCases))
            for name in decoder.names(of: instance) {
                let reading = decoder.decode(name, [instance])
                for (id, instances) in reading.services {
                    #expect(ServiceID(id.description) == id, "\(instance)")
                    #expect(instances.values.allSatisfy { $0.port > 0 })
                }
            }
        }
    }
}
