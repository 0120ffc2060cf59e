import IsthmusTesting
import JSON
import Testing
import YAML

@Suite("YAML")
struct YAMLTests {
    private static let sample: JSONValue = [
        "kind": "ServiceEntry", "empty": [:], "none": .null, "list": [], "number": 20880, "share": .double(0.5),
        "metadata": ["annotations": ["isthmus.mesh/registries": "zk-main"], "name": "cart"],
        "spec": [
            "addresses": ["240.17.3.9", "fd00::1"], "exportTo": ["*"], "hosts": ["cart"],
            "ports": [["name": "tcp-dubbo", "number": 20880], ["name": "http"]], "nested": [["a"], []],
        ],
    ]

    @Test("a resource is written in block style, as kubectl prints it")
    func style() {
        #expect(
            Self.sample.yaml == """
                empty: {}
                kind: ServiceEntry
                list: []
                metadata:
                  annotations:
                    isthmus.mesh/registries: zk-main
                  name: cart
                none: null
                number: 20880
                share: 0.5
                spec:
                  addresses:
                  - 240.17.3.9
                  - "fd00::1"
                  exportTo:
                  - "*"
                  hosts:
                  - cart
                  nested:
                  - - a
                  - []
                  ports:
                  - name: tcp-dubbo
                    number: 20880
                  - name: http

                """)
    }

    @Test("what a reader could take for something else is quoted", arguments: nastyTexts)
    func nasty(text: String) throws {
        let value: JSONValue = [
            "value": .string(text), "list": [.string(text)], "keys": JSONValue(strings: [text: "x"]),
        ]
        #expect(try JSONValue(yaml: value.yaml) == value, "\(value.yaml)")
        #expect(try JSONValue(yaml: JSONValue.string(text).yaml) == .string(text))
    }

    @Test("whatever is written is read back as it was", arguments: SeededGenerator.seeds(4))
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let value = JSONValue.random(depth: 4, using: &random)
            #expect(try JSONValue(yaml: value.yaml) == value, "\(value.yaml)")
        }
    }

    @Test(
        "what is no YAML, or nothing, is an error in words", arguments: ["", "a: [", "a: b: c", "\t- x", "a: 1\na: 2"])
    func unreadable(text: String) {
        let error = #expect(throws: UnreadableYAML.self) { try JSONValue(yaml: text) }
        #expect(error?.description.isEmpty == false)
    }

    @Test("a file that a person wrote, with comments, anchors and flow style, is understood")
    func byHand() throws {
        let text = """
            # a comment
            metadata: { name: cart, labels: &labels { app: "shop" } }
            copy: *labels
            text: |
              two
              lines
            flags: [true, no, ~, 0x10, 1e3, '1', 2026-01-01]
            """
        let value = try JSONValue(yaml: text)
        #expect(value["metadata"] == ["name": "cart", "labels": ["app": "shop"]])
        #expect(value["copy"] == ["app": "shop"])
        #expect(value["text"] == "two\nlines\n")
        #expect(value["flags"] == [true, false, .null, 16, .double(1000), "1", "2026-01-01"])
    }

    private static let nastyTexts = [
        "", " ", "a b", " a", "a ", "~", "null", "Null", "NULL", "true", "True", "yes", "No", "on", "OFF", "y", "N",
        "=",
        "<<", "-", "- a", "--- a", "---", "...", "....", "1.2.3.", ".1.2.3", "1", "-1", "+1", "0x1F", "0o17", "017",
        "1_000", "1e3", "1.5", ".5", ".inf", "-.INF", ".nan", "12:30:45", "190:20:30.15", "2001-12-14",
        "2001-12-14t21:59:43.10-05:00", "10.0.0.1", "999.999.999.999", "a: b", "a:", ":a", "a #b", "#a", "a#b", "[a]",
        "{a}", "a, b", "&a", "*a", "!a", "!!str a", "|", ">", "%a", "@a", "`a", "'a'", "\"a\"", "a\\b", "a\nb", "\n",
        "a\n", "\r\n", "\t", "a\tb", "\u{0}", "\u{7}", "\u{1B}[31m", "\u{7F}", "\u{80}", "\u{85}", "\u{9F}", "\u{A0}",
        "\u{2028}", "\u{2029}", "a\u{FEFF}b", "\u{FFFE}", "\u{FFFF}", "\u{FFFD}", "é", "e\u{301}", "仓库",
        "😀", "\u{10FFFF}", "?", "? a", "a?", "e3", "inf", "nan", "Infinity", "key", "0", "00", "0.", "0b1", "_", "a_b",
    ]
}

extension JSONValue {
    static func random(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .integer([0, -1, 20880, .max, .min].randomElement(using: &random)!)
        case 3: .double([0.5, -1.25, 1e21, 1e-9, 123456.789].randomElement(using: &random)!)
        case 4, 5: .string(.random(using: &random))
        case 6:
            .array((0..<Int.random(in: 0...3, using: &random)).map { _ in .random(depth: depth - 1, using: &random) })
        default:
            .object(
                JSONObject(
                    (0..<Int.random(in: 0...3, using: &random)).map { _ in
                        (key: .random(using: &random), value: .random(depth: depth - 1, using: &random))
                    }))
        }
    }
}

extension String {
    /// Of characters that mean something in YAML, and some that mean nothing.
    static func random(using random: inout SeededGenerator) -> String {
        let alphabet = Array(
            "aZ09 .-_/:#,[]{}&*!|>'\"%@`?~=+\\\n\r\t\u{0}\u{7F}\u{85}\u{A0}\u{2028}\u{FFFF}é😀e")
        let length = Int.random(in: 0...6, using: &random)
        return String((0..<length).map { _ in alphabet.randomElement(using: &random)! })
    }
}
