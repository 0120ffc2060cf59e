import Conventions
import Dubbo
import Foundation
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Sources
import Testing

@testable import Consul
@testable import ConsulRegistry

/// What real servers and libraries say of services; `Tests/Fixtures/consul/README.md` says how it was recorded.
enum RecordedServices {
    static let folder = ServerTools.fixture("consul")

    static var files: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }.sorted()
        }
    }

    /// Each answer about a service, with the service's name.
    static func answers(_ file: String) throws -> [(name: String, answer: ConsulInstances)] {
        let json = try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(folder)/\(file)")))
        if let entries = json["entries"]?.array {
            let elements = Dictionary(grouping: entries.compactMap { $0["value"] }) {
                $0["Service"]?["Service"]?.string ?? ""
            }
            return try elements.sorted { $0.key < $1.key }.map {
                ($0.key, try #require(ConsulInstances(.array($0.value))))
            }
        }
        return try (json["exchanges"]?.array ?? []).compactMap { exchange in
            guard let path = exchange["request"]?["path"]?.string, path.hasPrefix("health/service/"),
                exchange["response"]?["status"]?.integer == 200,
                let body = exchange["response"]?["body"]?.string
            else { return nil }
            let name = path.dropFirst("health/service/".count).prefix { $0 != "?" }
            return (String(name), try #require(ConsulInstances(JSONValue(parsing: body.utf8))))
        }
    }

    /// What the decoder reads there.
    static func lines(_ file: String) throws -> [String] {
        try answers(file).flatMap { name, answer in
            let service = ConsulService(scope: ConsulScope(), name: name)
            return ["  \(name):"] + ConsulDecoder.standard.decode(service, answer).lines
        }
    }
}

extension ConsulDecoder {
    static let policy = ConventionPolicy(
        protocols: [FormatDefaults.dubbo, .applications(weight: 1)].protocols, standardWeight: 1)

    static let standard = decoder()

    static func decoder(_ rules: Rules = Rules()) -> ConsulDecoder {
        ConsulDecoder(
            rules, policy: policy,
            keptAttributes: ["version", "region", "zone", datacenterAttribute, "consul.tag.blue"],
            hosts: HostRules(allowsLoopback: true))
    }
}

extension RegistrationReading {
    var lines: [String] {
        let services = self.services.sorted { $0.key < $1.key }.flatMap { id, instances in
            instances.values.sorted { ($0.endpoint, $0.weight) < ($1.endpoint, $1.weight) }.map {
                "    \(id): \($0.line)"
            }
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

@Suite("recorded services of Consul")
struct RecordedServicesTests {
    @Test("each answer is read as a person reads it")
    func recorded() throws {
        let lines = try RecordedServices.files.flatMap { file in
            let lines = try RecordedServices.lines(file)
            return lines.isEmpty ? [] : [file] + lines
        }
        let expected = try String(
            contentsOf: URL(filePath: "\(RecordedServices.folder)/services.expected"), encoding: .utf8)
        #expect(lines.count > 40)
        #expect(lines == expected.split(separator: "\n").map(String.init), "\n\(lines.joined(separator: "\n"))")
    }
}
