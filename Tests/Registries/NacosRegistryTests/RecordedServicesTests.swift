import Conventions
import Dubbo
import Foundation
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Sources
import Testing

@testable import Nacos
@testable import NacosRegistry

/// Services of Nacos as real servers and frameworks describe them.
struct RecordedServices: Sendable, CustomTestStringConvertible {
    /// Such as `dubbo-3.3.6-all`.
    let name: String

    var testDescription: String { name }

    private static let folder = "\(ServerTools.packageRoot)/Tests/Fixtures/nacos-services"

    static let all: [RecordedServices] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().map { RecordedServices(name: String($0.dropLast(5))) }
    }()

    private func content(_ fileExtension: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(Self.folder)/\(name).\(fileExtension)"))
    }

    /// What a person says that stands there, in lines.
    func expected() throws -> [String] {
        String(decoding: try content("expected"), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    func infos() throws -> [ServiceInfo] {
        let document = try JSONValue(parsing: content("json"))
        return try #require(document["services"]?.array).map { service in
            let key = try #require(service["key"]?.string.flatMap { ServiceKey(groupedName: $0) })
            return try #require(ServiceRecord(service, of: key)).info
        }
    }

    /// What the decoder says that stands there.
    func seen() throws -> [String] {
        try infos().flatMap { info in
            let service = NacosService(key: info.key)
            let reading = NacosDecoder.standard.decode(service, info)
            return ["\(service):"] + reading.lines
        }
    }
}

extension NacosDecoder {
    static let policy = ConventionPolicy(
        protocols: [FormatDefaults.dubbo, .applications(weight: 1)].protocols, standardWeight: 1)

    static let standard = NacosDecoder(
        hasSeveralNamespaces: false, policy: policy,
        keptAttributes: ["version", "dubbo.tag", "region", "zone", clusterAttribute],
        hosts: HostRules(allowsLoopback: true))
}

extension NacosReading {
    var lines: [String] {
        let services = self.services.sorted { $0.key < $1.key }.flatMap { id, instances in
            instances.values.sorted { $0.endpoint < $1.endpoint }.map { "  \(id): \($0.line)" }
        }
        return services + unusable.map { "  unusable: \($0.address): \($0.reason)" }
            + applicationInstances.map { "  not carried: \($0) is registered by application" }
            + (isProtected ? ["  protected"] : [])
    }
}

extension Instance {
    var line: String {
        var parts = ["\(host):\(port)"]
        if isEnabled, weight != Instance.defaultWeight { parts.append("weight=\(weight)") }
        if !isEnabled { parts.append("disabled") }
        if !isHealthy { parts.append("unhealthy") }
        parts.append("application=\(application)")
        if locality != .unknown { parts.append("locality=\(locality.region)/\(locality.zone)") }
        return (parts + attributes.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
    }
}

@Suite("Nacos services as real servers and frameworks describe them")
struct RecordedServicesTests {
    @Test("each recorded answer is read as a person reads it", arguments: RecordedServices.all)
    func answers(services: RecordedServices) throws {
        #expect(try services.seen() == services.expected())
    }

    @Test("there are recordings of every server, of every Dubbo and of go-kratos")
    func sources() {
        let names = RecordedServices.all.map(\.name)
        for part in [
            "server-1.4.8", "server-2.5.1", "server-3.1.0", "dubbo-2.7.23", "dubbo-3.2.19", "dubbo-3.3.6", "kratos",
        ] {
            #expect(names.contains { $0.hasPrefix(part) }, "\(part)")
        }
    }

    @Test("a Dubbo provider in Nacos is of the same service as the same provider in ZooKeeper")
    func sameAsInZooKeeper() throws {
        let url =
            "dubbo://10.88.7.1:20880/demo.HelloService?application=hello-provider&interface=demo.HelloService"
            + "&group=blue&version=1.2.0&weight=30&dubbo.tag=gray&side=provider"
        let decoder = ProviderDecoder(keptParameters: ["version", "dubbo.tag"])
        guard case .provider(let provider) = decoder.decode(node: url, interface: "demo.HelloService") else {
            Issue.record("the URL is a provider's")
            return
        }
        let nacos = NacosDecoder(
            hasSeveralNamespaces: false, policy: NacosDecoder.policy, keptAttributes: ["version", "dubbo.tag"],
            hosts: HostRules())
        let recording = try #require(RecordedServices.all.first { $0.name == "dubbo-3.3.6-all" })
        let info = try #require(try recording.infos().first { $0.key.name.hasPrefix("providers:") })
        let reading = nacos.decode(NacosService(key: info.key), info)
        #expect(reading.services[provider.services[0]].map { Array($0.values) } == [provider.instance])
        #expect(Set(reading.services.keys.map(\.protocol)) == ["dubbo", "tri"])
    }
}
