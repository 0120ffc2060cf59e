import Addressing
import Foundation
import IsthmusTesting
import IstioAPI
import JSON
import Services
import Testing

@testable import Declarations

/// The registrations of a library, and what a person says that they mean.
struct RecordedConvention: Sendable, CustomTestStringConvertible {
    /// Such as `kratos-etcd`.
    let name: String

    var testDescription: String { name }

    private static let folder = "\(ServerTools.packageRoot)/Tests/Fixtures/conventions"

    static let all: [RecordedConvention] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().map { RecordedConvention(name: String($0.dropLast(5))) }
    }()

    func document() throws -> JSONValue {
        try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(Self.folder)/\(name).json")))
    }

    func entries() throws -> [DeclaredEntry] {
        try #require(document()["entries"]?.array).map { entry in
            let key = try #require(entry["key"]?.string)
            var value: [UInt8] = []
            switch entry["value"] {
            case .string(let text)?: value = Array(text.utf8)
            case .object?: value = entry["value"]?.bytes ?? []
            default: break
            }
            if let encoded = entry["valueBase64"]?.string { value = Array(try #require(Data(base64Encoded: encoded))) }
            let isEphemeral = entry["ephemeral"]?.bool ?? (entry["lease"]?.object != nil)
            return DeclaredEntry(key: key, value: value, isEphemeral: isEphemeral)
        }
    }

    /// The preset of the library; for other registries' formats, a declaration as a user could write it.
    func declaration() throws -> Declaration {
        let presets = [
            "coredns-skydns-etcd": "skydns", "curator-x-discovery": "curator",
            "etcd-naming-endpoints": "etcd-endpoints",
            "finagle-serversets": "serversets", "go-micro-etcd": "go-micro", "go-zero-etcd": "go-zero",
            "kitex-etcd": "kitex", "kitex-zookeeper": "kitex-zookeeper", "kratos-etcd": "kratos",
            "kratos-zookeeper": "kratos", "motan-zookeeper": "motan", "nerve-zookeeper": "nerve",
            "sofa-rpc-zookeeper": "sofa-rpc", "spring-cloud-zookeeper": "spring-cloud-zookeeper",
        ]
        if let preset = presets[name] { return try #require(Declaration.presets.first { $0.name == preset }) }
        var declaration = Declaration(name: name, root: "", key: "{id...}")
        declaration.value = [.json]
        declaration.service = "value.Service.Service"
        declaration.address = "Service.Address"
        declaration.port = "Service.Port"
        switch name {
        case "go-zero-consul": declaration.standardProtocol = .grpc
        case "go-micro-consul":
            declaration.protocolField =
                "Service.Tags[t-] | hex | zlib | json | protocol or Service.Tags[t=] | json | protocol"
            declaration.version = "Service.Tags[v-] | hex | zlib or Service.Tags[v=]"
            declaration.labelMaps = ["Service.Tags[t-] | hex | zlib | json"]
        case "kratos-consul":
            declaration.endpoints = "Service.TaggedAddresses[] | Address | url"
            declaration.address = "host"
            declaration.port = "port"
            declaration.protocolField = "scheme"
            declaration.weight = "value.Service.Meta.weight"
            declaration.version = "value.Service.Tags[version=]"
        case "spring-cloud-consul":
            declaration.conditions = ["Service.Tags[] != management"]
            declaration.standardProtocol = .http
            declaration.tls = "Service.Meta.secure"
            declaration.labelMaps = ["Service.Meta"]
        case "kratos-nacos":
            declaration.key = "{service}.{kind}"
            declaration.service = "key.service"
            declaration.address = "ip"
            declaration.port = "port"
            declaration.protocolField = "metadata.kind"
            declaration.weight = "weight"
            declaration.standardWeight = 100
            declaration.labelMaps = ["metadata"]
        default: Issue.record("there is no declaration for \(name)")
        }
        return declaration
    }

    /// The decoder keeps every attribute that the expectation names.
    func decoder() throws -> DeclarationDecoder {
        var kept: Set<String> = ["version", "zone"]
        for service in try document()["expected"]?["services"]?.array ?? [] {
            for endpoint in service["endpoints"]?.array ?? [] {
                kept.formUnion(endpoint["metadata"]?.object?.keys ?? [])
            }
        }
        return DeclarationDecoder(
            try declaration(), protocols: [FormatDefaults.declared].protocols, keptAttributes: kept.sorted(),
            hosts: HostRules(allowsLoopback: name == "spring-cloud-consul"))
    }
}
