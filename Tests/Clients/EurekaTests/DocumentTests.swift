import Foundation
import HTTP
import IsthmusTesting
import JSON
import NIOCore
import NIOHTTP1
import Testing

@testable import Eureka

@Suite("documents of Eureka")
struct DocumentTests {
    private static func document(_ json: String) throws -> EurekaDocument {
        try EurekaClient.read(
            HTTPAnswer(
                status: 200, headers: ["Date": "Tue, 01 Dec 2026 14:10:18 GMT"], body: ByteBuffer(string: json)))
    }

    private typealias Recorded = (file: String, path: String, document: EurekaDocument)

    /// The answers about the whole registry, in JSON.
    private static func recorded() throws -> [Recorded] {
        let folder = ServerTools.fixture("eureka")
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }.sorted()
            .flatMap { file -> [Recorded] in
                let json = try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(folder)/\(file)")))
                return (json["exchanges"]?.array ?? []).compactMap { exchange -> Recorded? in
                    guard let body = exchange["response"]?["body"]?.string, body.hasPrefix("{\"applications"),
                        let document = try? Self.document(body)
                    else { return nil }
                    return (file, exchange["request"]?["path"]?.string ?? "", document)
                }
            }
    }

    @Test("the digest of what is read is the server's own, in every recorded answer")
    func digests() throws {
        let recorded = try Self.recorded().filter { ["apps", "apps/"].contains($0.path) }
        #expect(recorded.count > 10)
        for (file, _, document) in recorded {
            #expect(document.digest == EurekaDocument.digest(of: document.instances), "\(file)")
            #expect(document.unreadable == 0)
        }
    }

    @Test("a delta tells what was deleted, whatever status it had")
    func deleted() throws {
        let recorded = try Self.recorded()
        // One that expired is still called UP.
        #expect(recorded.contains { $0.document.instances.contains { $0.action == .deleted && $0.status == .up } })
        for file in ["delta-deleted.json", "expired.json"] {
            let delta = try #require(recorded.first { $0.file == file && $0.path == "apps/delta" })
            #expect(delta.document.instances.contains { $0.action == .deleted }, "\(file)")
        }
    }

    @Test("numbers as texts, single objects in place of lists, and members without a meaning are taken")
    func legacy() throws {
        let document = try Self.document(
            """
            {"applications": {"versions__delta": 1, "apps_hashcode": "UP_1_", "application": {"name": "CART", "instance":
            {"hostName": "cart-1", "ipAddr": "10.0.0.1", "status": "UP", "port": {"$": "8080", "@enabled": true},
            "securePort": {"$": 443, "@enabled": "false"}, "metadata": {"@class": "java.util.Collections$EmptyMap",
            "weight": 3}, "leaseInfo": {"registrationTimestamp": "17"},
            "dataCenterInfo": {"metadata": {"instance-id": "i-1", "availability-zone": "us-east-1c"}}}}}}
            """)
        let instance = try #require(document.instances.first)
        #expect(instance.key == .init(application: "CART", id: "i-1"))
        #expect(instance.port == 8080 && instance.securePort == nil && instance.registered == 17)
        #expect(instance.metadata == ["weight": "3"] && instance.availabilityZone == "us-east-1c")
        #expect(document.digest == "UP_1_" && document.serverTime == 1_796_134_218_000)
    }

    @Test("an instance without an id, and one in an application without a name, are counted and harm no other")
    func unreadable() throws {
        let document = try Self.document(
            """
            {"applications": {"application": [{"name": "A", "instance": [{}, {"instanceId": "a", "status": "ODD"}, 7]},
            {"instance": [{"instanceId": "b"}]}]}}
            """)
        #expect(document.instances.map(\.key.id) == ["a"] && document.instances.first?.status == .unknown)
        #expect(document.unreadable == 3 && document.digest == nil)
    }

    @Test(
        "what is no document is a failure, and no empty registry", arguments: ["", "{}", "[]", "{\"applications\": 1}"])
    func noDocument(body: String) {
        #expect(throws: EurekaError.self) { try Self.document(body) }
    }

    @Test(
        "statuses are told apart",
        arguments: [
            (401, EurekaError.Code.forbidden), (403, .unsupported), (404, .unsupported), (503, .overloaded),
            (302, .failed), (500, .failed),
        ])
    func statuses(status: Int, code: EurekaError.Code) {
        #expect(EurekaError(status: status, path: "/apps").code == code)
    }
}

@Suite("the time of a server")
struct HTTPDateTests {
    @Test("dates are read to the second")
    func dates() {
        #expect(HTTPDate.milliseconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(HTTPDate.milliseconds("Tue, 29 Feb 2028 23:59:59 GMT") == 1_835_481_599_000)
        #expect(HTTPDate.milliseconds("Wed, 01 Mar 2028 00:00:00 GMT") == 1_835_481_600_000)
    }

    @Test(
        "anything else is no time",
        arguments: ["", "now", "Tue, 32 Dec 2026 14:10:18 GMT", "Tue, 01 Dec 2026 14:10 GMT"])
    func others(text: String) {
        #expect(HTTPDate.milliseconds(text) == nil)
    }
}
