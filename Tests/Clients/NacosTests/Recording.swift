internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Testing

@testable internal import Nacos

/// An exchange with a real server; `Tests/Fixtures/nacos/README.md` says how it was recorded.
struct Recording: CustomTestStringConvertible {
    static let versions = ["1.4.8", "2.5.1", "3.1.0-SNAPSHOT"]
    /// Those with gRPC.
    static let grpcVersions = ["2.5.1", "3.1.0-SNAPSHOT"]

    let name: String
    let json: JSONValue

    init(_ name: String, _ version: String) throws {
        try self.init(file: "\(version)/\(name).json")
    }

    private init(file: String) throws {
        name = file
        json = try JSONValue(
            parsing: try Data(contentsOf: URL(filePath: ServerTools.fixture("nacos/\(file)"))))
    }

    static func all() throws -> [Recording] {
        try versions.flatMap { version in
            try FileManager.default.contentsOfDirectory(atPath: ServerTools.fixture("nacos/\(version)"))
                .filter { $0.hasSuffix(".json") }.sorted()
                .map { try Recording(file: "\(version)/\($0)") }
        }
    }

    var testDescription: String { name }

    var exchange: [JSONValue] { json["exchange"]?.array ?? [] }

    /// The gRPC messages, in order.
    var messages: [RecordedMessage] { exchange.compactMap { RecordedMessage($0) } }

    /// The bodies of the HTTP answers with status 200.
    var httpBodies: [JSONValue] {
        exchange.compactMap { entry in
            guard entry["response"]?["status"]?.integer == 200 else { return nil }
            return entry["response"]?["body"]
        }
    }
}

/// One gRPC message of a recording.
struct RecordedMessage {
    var time: Duration
    var isFromServer: Bool
    var isOnStream: Bool
    var payload: Payload
    var body: JSONValue

    init?(_ entry: JSONValue) {
        guard let type = entry["type"]?.string, let direction = entry["dir"]?.string else { return nil }
        time = .milliseconds(entry["ms"]?.integer ?? 0)
        isFromServer = direction == "server->client"
        isOnStream = entry["rpc"]?.string == "bistream"
        body = entry["body"] ?? [:]
        payload = Payload(
            type: type, headers: entry["headers"]?.strings ?? [:], clientIP: entry["clientIp"]?.string ?? "",
            body: body.bytes)
    }
}
