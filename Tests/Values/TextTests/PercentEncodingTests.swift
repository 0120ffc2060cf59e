import Testing
import Text

@Suite("percent-encoding")
struct PercentEncodingTests {
    @Test("only the unreserved characters of RFC 3986 stay as they are")
    func encoding() {
        #expect("Az09-._~".percentEncoded == "Az09-._~")
        #expect("a/b c%ä\n".percentEncoded == "a%2Fb%20c%25%C3%A4%0A")
        #expect("".percentEncoded == "")
    }

    @Test("every text comes back as it was")
    func roundTrip() {
        let text = String(String.UnicodeScalarView((0...0x24F).compactMap { Unicode.Scalar($0) })) + "\u{1F600}"
        #expect(text.percentEncoded.percentDecoded() == text)
        #expect(text.percentEncoded.utf8.allSatisfy { $0 < 0x80 })
    }

    @Test("'+' is a space in a query only, and hexadecimal digits have either case")
    func decoding() {
        #expect("a+b%2f%2F".percentDecoded() == "a+b//")
        #expect("a+b%2B".percentDecoded(plusIsSpace: true) == "a b+")
    }

    @Test("a broken escape and what is not UTF-8 have no text", arguments: ["%", "%4", "a%4g", "%%41", "%C3", "%FF"])
    func broken(text: String) {
        #expect(text.percentDecoded() == nil)
    }
}
