import IstioAPI
import Testing

@Suite("names")
struct DNSNameTests {
    private static let label63 = String(repeating: "a", count: 63)

    @Test("labels", arguments: ["a", "0", "a-b", "a--b", label63])
    func labels(text: String) {
        #expect(DNSName.isLabel(text))
    }

    @Test("what is no label", arguments: ["", "-a", "a-", "A", "a.b", "a_b", "é", "a b", "a\u{301}", label63 + "a"])
    func notLabels(text: String) {
        #expect(!DNSName.isLabel(text))
    }

    @Test("subdomains are labels with dots between them, up to 253 bytes")
    func subdomains() {
        let long = [Self.label63, Self.label63, Self.label63].joined(separator: ".")
        #expect(
            ["a", "a.b", "a.1", long + "." + String(repeating: "a", count: 61)].allSatisfy { DNSName.isSubdomain($0) })
        #expect(
            !["", ".", "a.", ".a", "a..b", long + "." + String(repeating: "a", count: 62)].contains {
                DNSName.isSubdomain($0)
            })
    }

    @Test(
        "values of labels",
        arguments: [
            ("", true), ("a", true), ("A.b_c-9", true), ("-a", false), ("a.", false), ("a b", false),
            ("é", false), (label63, true), (label63 + "a", false),
        ])
    func labelValues(text: String, isValid: Bool) {
        #expect(DNSName.isLabelValue(text) == isValid)
    }

    @Test(
        "keys of labels",
        arguments: [
            ("a", true), ("a.b/c_d", true), ("istio.io/rev", true), ("", false), ("/a", false), ("a/", false),
            ("a/b/c", false), ("A.b/c", false), ("a b", false), (label63, true), (label63 + "a", false),
        ])
    func labelKeys(text: String, isValid: Bool) {
        #expect(DNSName.isLabelKey(text) == isValid)
    }
}
