import JSON
import Testing

@Suite("JSON values")
struct JSONValueTests {
    @Test("the order in which keys were read does not matter")
    func order() throws {
        let left = try JSONValue(parsing: Array(#"{"b":1,"a":{"d":[1,2],"c":null}}"#.utf8))
        let right = try JSONValue(parsing: Array(#" { "a" : {"c":null , "d":[1,2]}, "b":1 } "#.utf8))
        #expect(left == right)
        #expect(String(decoding: left.bytes, as: UTF8.self) == #"{"a":{"c":null,"d":[1,2]},"b":1}"#)
    }

    @Test("the last one of repeated keys counts")
    func repeated() throws {
        #expect(try JSONValue(parsing: Array(#"{"a":1,"b":2,"a":3}"#.utf8)) == ["a": 3, "b": 2])
    }

    @Test("a missing member is not a null one, and a merge patch removes members that the target lacks")
    func missing() throws {
        let value: JSONValue = ["a": 1, "n": .null]
        #expect(value["x"] == nil)
        #expect(value.object?["x"] == nil)
        #expect(value["n"] == .null)
        let patch = JSONValue(dictionaryLiteral: ("a", 1)).mergePatch(to: ["b": 1])
        #expect(patch == ["a": .null, "b": 1])
    }

    @Test("every escape survives a round trip")
    func escapes() throws {
        let value = try JSONValue(parsing: Array(#""\"\\\/\b\f\n\r\t\u0001\u00e9\ud83d\ude00\ud83d""#.utf8))
        #expect(value.string == "\"\\/\u{8}\u{C}\n\r\t\u{1}é😀\u{FFFD}")
        #expect(try JSONValue(parsing: value.bytes) == value)
    }

    @Test(
        "a text that is not JSON is refused, and the error names the place",
        arguments: [
            "", "{", "[1,]", "{\"a\"}", "01", "1.", "\"\u{1}\"", "tru", "[1] 2", "\"\\x\"", "1e999", "nul", "-",
        ])
    func refused(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test("nesting is bounded: no document overflows the stack")
    func depth() {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
    }

    @Test("any value survives a round trip, and a merge patch leads from any value to any other")
    func properties() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let from = JSONValue.random(depth: 4, using: &random)
            let to = JSONValue.random(depth: 4, using: &random)
            #expect(try JSONValue(parsing: from.bytes) == from)
            let patched = from.mergePatch(to: to).map { from.applying(mergePatch: $0) } ?? from
            #expect(patched == to)
            #expect(to.mergePatch(to: to) == nil)
        }
    }

    @Test("no bytes crash the parser")
    func garbage() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("{}[]\",:\\u0123456789eE+-.truefalsnl \n\u{1}".utf8) + [0x80, 0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24)).map { _ in alphabet.randomElement(using: &random)! }
            if let value = try? JSONValue(parsing: bytes) { #expect((try? JSONValue(parsing: value.bytes)) == value) }
        }
    }
}

extension JSONValue {
    /// No `null` inside objects: a merge patch cannot write one.
    fileprivate static func random(depth: Int, using random: inout SystemRandomNumberGenerator) -> JSONValue {
        switch Int.random(in: 0...(depth == 0 ? 3 : 5), using: &random) {
        case 0: return .bool(.random(using: &random))
        case 1: return .integer(.random(in: -1000...1000, using: &random))
        case 2: return .double(.random(in: 0.001...0.999, using: &random))
        case 3: return .string(["", "a", "é\n\"", "dubbo"].randomElement(using: &random)!)
        case 4: return .array((0..<Int.random(in: 0...3)).map { _ in Self.random(depth: depth - 1, using: &random) })
        default:
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0...4)).map { _ in
                        (
                            key: ["a", "b", "c", "d"].randomElement(using: &random)!,
                            value: Self.random(depth: depth - 1, using: &random)
                        )
                    }))
        }
    }
}
