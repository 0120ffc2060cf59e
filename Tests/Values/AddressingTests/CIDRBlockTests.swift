import Addressing
import Testing

@Suite("CIDR blocks")
struct CIDRBlockTests {
    @Test(
        "a block equals the one that is read from its text",
        arguments: ["240.16.0.0/12", "0.0.0.0/0", "10.0.0.1/32", "::/0", "2001:db8::/32", "2001:db8::1/128"])
    func roundTrip(text: String) {
        #expect(CIDRBlock(text)?.description == text)
    }

    @Test(
        "a text that is no block, or has bits beyond its prefix, is refused",
        arguments: [
            "", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
            "10.0.0.0/8/8",
            "10.0.0.0/ 8", "10.0.0.1/8", "0.0.0.1/0", "::1/0", "::/129", "2001:db8::1/64", "240.16.0.0/11",
        ])
    func refused(text: String) {
        #expect(CIDRBlock(text) == nil)
    }

    @Test(
        "a block is read around any of its addresses",
        arguments: [
            ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3/32", "10.1.2.3/32"), ("10.1.2.3/0", "0.0.0.0/0"),
            ("2001:db8::1/32", "2001:db8::/32"), ("::1/0", "::/0"),
        ])
    func around(text: String, block: String) {
        #expect(CIDRBlock(around: text)?.description == block)
        #expect(CIDRBlock(around: "\(text)9") == nil)
    }

    @Test(
        "all addresses but the first and the last are usable",
        arguments: [
            ("10.0.0.0/29", 6, "10.0.0.1", "10.0.0.6"), ("240.16.0.0/12", 1_048_574, "240.16.0.1", "240.31.255.254"),
            ("10.0.0.0/30", 2, "10.0.0.1", "10.0.0.2"), ("2001:db8::/124", 14, "2001:db8::1", "2001:db8::e"),
            ("0.0.0.0/0", 4_294_967_294, "0.0.0.1", "255.255.255.254"),
        ] as [(String, UInt64, String, String)])
    func usable(text: String, count: UInt64, first: String, last: String) throws {
        let block = try #require(CIDRBlock(text))
        #expect(block.usableCount == count)
        #expect(block.usableAddress(0).description == first)
        #expect(block.usableAddress(count - 1).description == last)
        #expect(block.contains(block.usableAddress(0)) && block.contains(block.usableAddress(count - 1)))
    }

    @Test(
        "a block without an address between its first and last has no usable one",
        arguments: ["10.0.0.0/31", "::1/128"])
    func empty(text: String) {
        #expect(CIDRBlock(text)?.usableCount == 0)
    }

    @Test("a huge block counts as 2⁶² usable addresses")
    func huge() throws {
        let block = try #require(CIDRBlock("2001:db8::/32"))
        #expect(block.usableCount == 1 << 62)
        #expect(block.contains(block.usableAddress(1 << 62 - 1)))
    }

    @Test("a block contains its own addresses and no others")
    func contains() throws {
        let block = try #require(CIDRBlock("240.16.0.0/12"))
        for (text, isInside) in [
            ("240.16.0.0", true), ("240.31.255.255", true), ("240.32.0.0", false), ("240.15.255.255", false),
            ("::1", false),
        ] {
            #expect(block.contains(try #require(IPAddress(text))) == isInside, "\(text)")
        }
        #expect(CIDRBlock("::/0")?.contains(.v6(IPv6Bits(.max))) == true)
        #expect(CIDRBlock("0.0.0.0/0")?.contains(.v6(IPv6Bits(1))) == false)
    }
}
