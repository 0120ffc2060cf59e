import Foundation
import Kubernetes
import Testing

@Suite("A JSON value")
struct AnyJSONTests {
    private func parsed(_ text: String) throws -> AnyJSON { try AnyJSON(parsing: Array(text.utf8)) }

    @Test("is read by its members, and each reading of another type is nil")
    func reading() throws {
        let value = try parsed(#"{"text":"a","int":7,"double":1.5,"bool":true,"list":[1,"b"],"null":null}"#)
        #expect(value["text"]?.string == "a")
        #expect(value["text"]?.integer == nil)
        #expect(value["int"]?.integer == 7)
        #expect(value["int"]?.double == 7)
        #expect(value["double"]?.double == 1.5)
        #expect(value["double"]?.integer == nil)
        #expect(value["bool"]?.bool == true)
        #expect(value["list"]?.array == [1, "b"])
        #expect(value["list"]?["text"] == nil)
        #expect(value["null"]?.isNull == true)
        #expect(value["absent"] == nil)
        #expect(value.object?.keys.sorted() == ["bool", "double", "int", "list", "null", "text"])
        #expect(value.array == nil)
    }

    @Test("is written by literals, and has the same bytes whatever the order of its members")
    func writing() throws {
        let name = "web"
        let value: AnyJSON = ["b": [1, 2.5, true, .null], "a": ["name": "\(name)-1"]]
        #expect(String(decoding: value.bytes, as: UTF8.self) == #"{"a":{"name":"web-1"},"b":[1,2.5,true,null]}"#)
        #expect(try value == parsed(#"{ "b": [1, 2.5, true, null], "a": {"name": "web-1"} }"#))
    }

    @Test("is changed in place, member by member")
    func changes() {
        var value: AnyJSON = ["data": ["a": "1", "b": "2"]]
        value["data"]?["a"] = "one"
        value["data"]?["b"] = nil
        value["absent"]?["c"] = "3"
        value["list"] = [1]
        #expect(value == ["data": ["a": "one"], "list": [1]])
        var scalar: AnyJSON = 1
        scalar["key"] = true
        #expect(scalar == ["key": true])
    }

    @Test("says where bytes are not JSON")
    func malformed() async throws {
        let error = try await failure { () async throws(KubernetesError) in try AnyJSON(parsing: Array("{".utf8)) }
        #expect(error.code == .decodingFailed)
        #expect(error.message.contains("at byte 1"))
    }

    @Test("can be a part of a Codable type, and is the same after any encoder and decoder")
    func codable() throws {
        struct Holder: Codable, Equatable {
            var free: AnyJSON
            var optional: AnyJSON?
        }
        let holder = Holder(free: ["a": [1, -2.5, true, .null, "x", [:], []], "b": 9_007_199_254_740_993])
        let json = try AnyJSON(encoding: holder)
        #expect(json == ["free": holder.free])
        #expect(try json.decode(Holder.self) == holder)
        #expect(try JSONDecoder().decode(Holder.self, from: JSONEncoder().encode(holder)) == holder)
        #expect(
            try PropertyListDecoder().decode([String: AnyJSON].self, from: PropertyListEncoder().encode(["a": 1])) == [
                "a": 1
            ])
    }
}

@Suite("An object's content")
struct APIObjectTests {
    private struct Certificate: Codable, Equatable {
        struct Metadata: Codable, Equatable { var creationTimestamp: Date }
        var metadata: Metadata
        var data: [String: Data]
        var renewed: Date?
    }

    private func object(_ members: String) throws -> APIObject {
        let text =
            #"{"kind":"Secret","metadata":{"name":"a","namespace":"ns","creationTimestamp":"2026-08-01T12:00:00Z"}\#(members)}"#
        return try #require(APIObject(content: AnyJSON(parsing: Array(text.utf8))))
    }

    @Test("is decoded as a type of the caller, with times and bytes as Kubernetes writes them")
    func decoding() throws {
        let object = try object(#","data":{"key":"aGVsbG8="},"renewed":"2026-08-01T12:00:00.500000Z""#)
        let certificate = try object.decode(Certificate.self)
        let noon = Date(timeIntervalSince1970: 1_785_585_600)
        #expect(certificate.metadata.creationTimestamp == noon)
        #expect(certificate.renewed == noon + 0.5)
        #expect(certificate.data == ["key": Data("hello".utf8)])
        let encoded = try AnyJSON(encoding: certificate)
        #expect(encoded["metadata"]?["creationTimestamp"]?.string == "2026-08-01T12:00:00Z")
        #expect(encoded["data"]?["key"]?.string == "aGVsbG8=")
        #expect(try object.decode(AnyJSON.self) == object.content)
    }

    @Test(
        "that does not fit the type is an error that names object and member, and shows no content",
        arguments: [
            (#","data":{"key":7}"#, "data.key is not of the type"), ("", "data is missing"),
            (#","data":{"key":"hunter2!"}"#, "data.key has a value that the type refuses"),
            (#","data":{},"renewed":"hunter2""#, "renewed has a value that the type refuses"),
            (#","data":null"#, "data is null"),
        ])
    func mismatch(members: String, expected: String) async throws {
        let object = try object(members)
        let error = try await failure { () async throws(KubernetesError) in try object.decode(Certificate.self) }
        #expect(error.code == .decodingFailed)
        #expect(error.message.hasPrefix("Secret ns/a cannot be decoded as Certificate: "))
        #expect(error.message.contains(expected))
        #expect(error.cause is DecodingError)
        var dumped = ""
        dump(error, to: &dumped)
        for text in ["\(error)", String(reflecting: error), dumped] { #expect(!text.contains("hunter2")) }
    }

    @Test("is none without a name in its metadata")
    func nameless() {
        #expect(APIObject(content: ["metadata": [:]]) == nil)
        #expect(APIObject(content: []) == nil)
    }
}
