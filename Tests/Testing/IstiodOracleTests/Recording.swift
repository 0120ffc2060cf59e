import Foundation
import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Testing

/// What was recorded from a real istiod; `Tests/Fixtures/istiod/README.md` says how.
struct Recording: CustomTestStringConvertible {
    var name: String
    var json: JSONValue

    var testDescription: String { name }

    init(_ name: String) throws {
        self.name = name
        json = try JSONValue(parsing: Self.bytes(name))
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: ServerTools.fixture("istiod/\(name)"))))
    }

    static func lines(_ name: String) throws -> [String] {
        String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// All files of a folder that end like this.
    static func names(_ suffix: String, in folder: String = "") throws -> [String] {
        let path = ServerTools.fixture("istiod/\(folder)")
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(suffix) }.sorted()
    }

    /// The recordings of what a sidecar and a ztunnel got for a few objects.
    static let views: [Recording] = {
        do {
            return try names(".json").map { try Recording($0) }.filter { $0.json["sidecar"] != nil }
        } catch {
            fatalError("fixtures can't be read: \(error)")
        }
    }()
}

extension Recording {
    /// The objects in the order in which they were written, more than a second apart.
    var objects: [ConfigObject] {
        (json["objects"]?.array ?? []).enumerated().compactMap { index, json in
            guard var object = ConfigObject(json) else { return nil }
            object.created = String(format: "2026-01-01T00:%02d:00Z", index)
            object.status = self.json["status"]?[object.name] ?? .null
            // The API server chose the address of a Service. The recording tells it in the ztunnel's words.
            if object.kind == "Service" {
                object.spec = object.spec.applying(mergePatch: ["clusterIP": clusterIP(object)])
            }
            return object
        }
    }

    private func clusterIP(_ service: ConfigObject) -> JSONValue {
        let name = "\(service.namespace)/\(service.name).\(service.namespace).svc.cluster.local"
        let address = json["ztunnel"]?[name]?["service"]?["addresses"]?.array?.first?["address"]?.string ?? ""
        return .string((Data(base64Encoded: address) ?? Data()).map { "\($0)" }.joined(separator: "."))
    }
}
