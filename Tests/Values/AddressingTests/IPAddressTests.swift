import Addressing
import IsthmusTesting
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test(
        "every spelling of an address has one canonical text (RFC 5952)",
        arguments: [
            // Section 1 and 2: the many faces of one address.
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:0:1::1", "2001:db8::1:0:0:1"),
            ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
            // 4.1: leading zeros. 4.2.1: as short as can be. 4.2.2: not for a single group. 4.2.3: the longest, then
            // the first.
            ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"),
            // 4.3: lower case.
            ("2001:DB8::AAAA", "2001:db8::aaaa"),
            ("::", "::"), ("0:0:0:0:0:0:0:0", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:0:0:0:0:0", "1::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "::ffff:c000:201"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("fe80::ffff:ffff:ffff:ffff", "fe80::ffff:ffff:ffff:ffff"),
            ("10.0.0.1", "10.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ])
    func canonicalText(text: String, canonical: String) throws {
        #expect(try #require(IPAddress(text)).description == canonical)
    }

    @Test(
        "an IPv4-mapped address is its IPv4 address",
        arguments: [
            ("::ffff:10.0.0.1", "10.0.0.1"), ("::ffff:0:0", "0.0.0.0"), ("10.0.0.1", "10.0.0.1"), ("::1", "::1"),
            ("::fffe:10.0.0.1", "::fffe:a00:1"), ("1::ffff:10.0.0.1", "1::ffff:a00:1"),
        ])
    func unmapped(text: String, unmapped: String) {
        #expect(IPAddress(text)?.unmapped.description == unmapped)
    }

    @Test(
        "a text that is no address is refused",
        arguments: [
            "", " ", "localhost", "10.0.0", "10.0.0.0.1", "10.0.0.256", "10.0.0.-1", "10.0.0.+1", "010.0.0.1",
            "10.0.0.1 ",
            "10.0..1", ".10.0.0", "0x0a.0.0.1", "1000.0.0.1", "١.٠.٠.١", ":", ":::", "1", "1:2", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "1::2::3", "1:::2", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:8::", "::1:",
            "12345::", "g::", "+1::", "-1::", "[::1]", "fe80::1%eth0", "::1/64", "1.2.3.4::", "::1.2.3", "::1.2.3.4.5",
            "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::\u{301}1", "\u{600}::1", "1:\u{301}:2",
        ])
    func refused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("any address equals the one that is read from its text", arguments: SeededGenerator.seeds(8))
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let v4 = IPAddress.v4(.random(in: 0...UInt32.max, using: &random))
            #expect(IPAddress("\(v4)") == v4)
            let v6 = IPAddress.v6(IPv6Bits(randomGroups(using: &random)))
            #expect(IPAddress("\(v6)") == v6)
            #expect(!"\(v6)".contains("::0:") && !"\(v6)".contains(":::"), "\(v6)")
            #expect(v4 < v6)
        }
    }

    /// With as many zeros as real addresses have.
    private func randomGroups(using random: inout SeededGenerator) -> UInt128 {
        (0..<8).reduce(0) { value, _ in
            value << 16 | (Bool.random(using: &random) ? 0 : UInt128(UInt16.random(in: 0...UInt16.max, using: &random)))
        }
    }

    @Test("no text crashes the parser", arguments: SeededGenerator.seeds(8))
    func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array(":::...0123456789abcfg%[]/ \u{301}\u{600}\u{1F600}".unicodeScalars)
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            if let address = IPAddress(text) { #expect(IPAddress("\(address)") == address, "\(text)") }
        }
    }

    @Test("unspecified, loopback and multicast addresses are recognised")
    func kinds() throws {
        #expect(["0.0.0.0", "::"].allSatisfy { IPAddress($0)?.isUnspecified == true })
        #expect(["127.0.0.1", "127.255.0.9", "::1"].allSatisfy { IPAddress($0)?.isLoopback == true })
        #expect(["224.0.0.1", "239.255.255.255", "ff02::1"].allSatisfy { IPAddress($0)?.isMulticast == true })
        for text in ["10.0.0.1", "223.255.255.255", "240.0.0.1", "2001:db8::1", "fe80::1"] {
            let address = try #require(IPAddress(text))
            #expect(!address.isUnspecified && !address.isLoopback && !address.isMulticast)
        }
    }

    @Test("addresses sort by number, not by text")
    func order() {
        let sorted = ["9.0.0.1", "10.0.0.1", "10.0.0.9", "10.0.0.10", "::1", "2001:db8::1"]
        #expect(sorted.shuffled().compactMap { IPAddress($0) }.sorted().map(\.description) == sorted)
    }
}
