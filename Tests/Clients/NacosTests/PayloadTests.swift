internal import JSON
internal import Testing

@testable internal import Nacos

@Suite("The message of gRPC")
struct PayloadTests {
    @Test("a request has the bytes that Nacos' own libraries give it", arguments: Recording.grpcVersions)
    func recordedRequest(version: String) throws {
        let recording = try Recording("http2", version)
        let data = try #require(recording.bytes(of: "client DATA").first)
        let payload = try #require(Payload(bytes: data.dropFirst(5)))
        #expect(payload == NacosRequest.serverCheck.payload().with(clientIP: "127.0.0.1"))
        #expect(payload.bytes == Array(data.dropFirst(5)))
    }

    @Test("an answer of a real server is read", arguments: Recording.grpcVersions)
    func recordedAnswer(version: String) throws {
        let recording = try Recording("http2", version)
        let data = try #require(recording.bytes(of: "DATA").first)
        let payload = try #require(Payload(bytes: data.dropFirst(5)))
        #expect(payload.type == "ServerCheckResponse")
        #expect(try JSONValue(parsing: payload.body)["supportAbilityNegotiation"] == true)
    }

    @Test("headers survive, and their order does not matter")
    func headers() throws {
        let payload = Payload(
            type: "X", headers: ["b": "2", "a": "1", "empty": ""], clientIP: "::1", body: Array("{}".utf8))
        #expect(Payload(bytes: payload.bytes) == payload)
    }

    @Test("unknown fields are skipped")
    func unknownFields() throws {
        var writer = ProtobufWriter()
        writer.write("unknown", field: 19)
        // A varint, eight bytes and four bytes, each with a field number that `Payload` does not have.
        let others: [UInt8] = [0x08, 0x96, 0x01, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2D, 1, 2, 3, 4]
        let payload = Payload(type: "X", body: [1])
        #expect(Payload(bytes: others + writer.bytes + payload.bytes) == payload)
    }

    @Test("bytes that are cut short, or no message at all, are refused")
    func garbage() {
        let bytes = Payload(type: "SubscribeServiceRequest", body: Array("{}".utf8)).bytes
        #expect(Payload(bytes: bytes.dropLast()) == nil)
        #expect(Payload(bytes: [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
        #expect(Payload(bytes: Array(repeating: 0xFF, count: 20)) == nil)
        #expect(Payload(bytes: [0x13]) == nil)
        #expect(Payload(bytes: [0x00, 0x00]) == nil)
    }
}

extension Payload {
    fileprivate func with(clientIP: String) -> Payload {
        var payload = self
        payload.clientIP = clientIP
        return payload
    }
}

extension Recording {
    /// The bytes of the events of this kind.
    fileprivate func bytes(of event: String) -> [[UInt8]] {
        exchange.filter { $0["event"]?.string == event }.compactMap { $0["hex"]?.string }.map { hex in
            let digits = Array(hex)
            return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
        }
    }
}
