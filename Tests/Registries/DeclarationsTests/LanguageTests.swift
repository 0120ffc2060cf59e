import JSON
import Testing

@testable import Declarations

@Suite("the language of declarations")
struct LanguageTests {
    private static let scope = Scope(
        captures: ["service": "cart", "url": ["host": "h"]],
        value: [
            "a": ["b": 1, "c.d": "quoted"], "list": [["x": 1], ["x": 2]], "tags": ["v-61", "v-62", "w"],
            "port": 80, "flag": true, "nothing": .null, "object": ["p": "one", "q": "two"],
        ],
        endpoint: ["port": 81, "nothing": "near"])

    @Test(
        "a path leads to its values",
        arguments: [
            ("a.b", ["1"]), ("a.\"c.d\"", ["quoted"]), ("list[].x", ["1", "2"]), ("tags[v-]", ["61", "62"]),
            ("tags[v-] | hex", ["a", "b"]), ("port", ["81"]), ("value.port", ["80"]), ("flag", ["true"]),
            ("missing or a.b", ["1"]), ("nothing", ["near"]), ("value.nothing", []), ("key.service", ["cart"]),
            ("key.url.host", ["h"]), ("key.other", []), ("object[]", ["one", "two"]),
            ("tags[x-] | hex or flag", ["true"]),
            ("a.b.c", []), ("list[x]", []),
        ] as [(String, [String])])
    func paths(text: String, values: [String]) throws {
        #expect(try FieldExpression(text).values(in: Self.scope).compactMap(\.scalarText) == values)
    }

    @Test("a path that can't be meant is an error", arguments: ["", "a | ", "a[b", "a.\"b", "a b", " or a"])
    func badPaths(text: String) {
        #expect(throws: DeclarationError.self) { try FieldExpression(text) }
    }

    @Test(
        "a condition holds or not",
        arguments: [
            ("port = 81", true), ("port = 80", false), ("missing = x", false), ("missing ?= x", true),
            ("port ?= 80", false), ("missing != x", true), ("port != 81", false), ("port", true), ("missing", false),
            ("object[] = two", true),
        ])
    func conditions(text: String, holds: Bool) throws {
        #expect(try Condition(text).holds(in: Self.scope) == holds)
    }

    @Test(
        "a key is read as its template says",
        arguments: [
            ("/{service}/{id}", "/a/b", ["service": "a", "id": "b"]), ("/{service}/{id}", "/a/b/c", nil),
            ("/{service}/{id}", "/a/", nil), ("{service...}/{id}", "a/b/c", ["service": "a/b", "id": "c"]),
            ("{service...}/member_{id}", "/x/y/member_1", ["service": "/x/y", "id": "1"]),
            ("{name}.{kind}", "a.b.grpc", ["name": "a.b", "kind": "grpc"]),
            ("/{a}/x/{b...}", "/1/x//2", ["a": "1", "b": "/2"]),
            ("{a...}", "", nil), ("/fixed", "/fixed", [:]), ("{a}", "b/c", nil),
        ] as [(String, String, [String: String]?)])
    func templates(template: String, key: String, captures: [String: String]?) throws {
        let found = try KeyTemplate(template).match(Array(key.utf8)[...])
        #expect(found?.mapValues { String(decoding: $0, as: UTF8.self) } == captures)
    }

    @Test(
        "a template that can't be meant is an error",
        arguments: ["", "{", "}", "{}", "{a}{b}", "{a}/{a}", "{a b}", "{a|b64}"])
    func badTemplates(text: String) {
        #expect(throws: DeclarationError.self) { try KeyTemplate(text) }
    }

    @Test("a long key of slashes takes no time to speak of")
    func longKeys() {
        let key = Array(String(repeating: "/", count: DeclarationDecoder.keyLimit).utf8)
        let template: KeyTemplate = "{a...}/x/{b...}/y"
        #expect(template.match(key[...]) == nil)
    }

    @Test("the presets can be read, and each has a name of its own")
    func presets() {
        #expect(Set(Declaration.presets.map(\.name)).count == Declaration.presets.count)
    }
}
