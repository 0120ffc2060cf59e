import Foundation
import IsthmusTesting
import JSON
import Testing

@testable import Declarations

@Suite("decodings")
struct DecodingTests {
    private struct Sample: Decodable {
        var hex: String
        var content: String
    }

    private static func samples() throws -> [Sample] {
        let file = "\(ServerTools.packageRoot)/Tests/Fixtures/zlib.json"
        return try JSONDecoder().decode([Sample].self, from: Data(contentsOf: URL(filePath: file)))
    }

    @Test("what zlib compressed at any level comes back: stored, fixed and dynamic blocks")
    func zlib() throws {
        for sample in try Self.samples() {
            #expect(try Decoding.decode(Array(sample.hex.utf8), [.hex, .zlib]) == .string(sample.content))
        }
    }

    @Test("compressed content longer than the limit is refused before it takes memory")
    func limit() throws {
        let bomb = try #require(Self.samples().last { $0.content.count == 3000 })
        let bytes = stride(from: 0, to: bomb.hex.count, by: 2).map { offset -> UInt8 in
            let start = bomb.hex.index(bomb.hex.startIndex, offsetBy: offset)
            return UInt8(bomb.hex[start..<bomb.hex.index(start, offsetBy: 2)], radix: 16)!
        }
        let error = #expect(throws: DecodingFailure.self) { try Inflate.zlib(bytes, limit: 2999) }
        #expect(error?.reason == "its zlib content is longer than 2999 bytes")
        #expect(try Inflate.zlib(bytes, limit: 3000).count == 3000)
    }

    @Test("broken zlib content is an error, wherever it breaks", arguments: SeededGenerator.seeds(8))
    func brokenZlib(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for sample in try Self.samples() {
            var hex = Array(sample.hex.utf8)
            hex[Int.random(in: 0..<hex.count, using: &random)] = "0123456789abcdef".utf8.randomElement(using: &random)!
            let decoded = try? Decoding.decode(hex, [.hex, .zlib])
            // The checksum finds every single wrong digit in the content.
            #expect(decoded == nil || decoded == .string(sample.content))
            _ = try? Decoding.decode(Array(hex.prefix(Int.random(in: 0..<hex.count, using: &random))), [.hex, .zlib])
        }
    }

    @Test("base64 of both alphabets is read, with and without padding")
    func base64() throws {
        #expect(try Decoding.decode(Array("aGk/Pj8+".utf8), [.base64]) == "hi?>?>")
        #expect(try Decoding.decode(Array("aGk_Pj8-".utf8), [.base64]) == "hi?>?>")
        #expect(try Decoding.decode(Array("aA==".utf8), [.base64]) == "h")
        #expect(try Decoding.decode(Array("aA".utf8), [.base64]) == "h")
        #expect(throws: DecodingFailure.self) { try Decoding.decode(Array("a".utf8), [.base64]) }
        #expect(throws: DecodingFailure.self) { try Decoding.decode(Array("a===".utf8), [.base64]) }
    }

    @Test("a serialised string of Java is read, and plain text stays")
    func javaString() throws {
        let serialised: [UInt8] = [0xAC, 0xED, 0, 5, 0x74, 0, 2, 0x68, 0x69]
        #expect(try Decoding.decode(serialised, [.javaString]) == "hi")
        #expect(try Decoding.decode(Array("hi".utf8), [.javaString]) == "hi")
        #expect(throws: DecodingFailure.self) { try Decoding.decode(serialised.dropLast(), [.javaString]) }
        #expect(throws: DecodingFailure.self) { try Decoding.decode(serialised + [0], [.javaString]) }
        #expect(throws: DecodingFailure.self) { try Decoding.decode([0xAC, 0xED, 0, 5, 0x73], [.javaString]) }
    }

    @Test("a URL becomes its parts, without a password")
    func url() throws {
        let value = try Decoding.decode(Array("grpc://u:p@[fd00::1]:9000/a/b?x=1%202&y=&z".utf8), [.url])
        #expect(
            value == [
                "scheme": "grpc", "host": "fd00::1", "port": "9000", "path": "a/b",
                "query": ["x": "1 2", "y": "", "z": ""],
            ])
        #expect(throws: DecodingFailure.self) { try Decoding.decode(Array("10.0.0.1:80".utf8), [.url]) }
    }

    @Test("bytes that are no text are an error")
    func invalidText() {
        #expect(throws: DecodingFailure.self) { try Decoding.decode([0xFF], []) }
        #expect(throws: DecodingFailure.self) { try Decoding.decode(Array("%4".utf8), [.percent]) }
    }

    @Test("nothing follows a decoding that makes a value")
    func order() {
        #expect(throws: DeclarationError.self) { try KeyTemplate("{a|json|hex}" as String) }
    }
}
