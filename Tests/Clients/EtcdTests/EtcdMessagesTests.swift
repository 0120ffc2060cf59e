import Testing

@testable import Etcd

/// The bytes are those of the messages that the `etcd3` package of Python makes from etcd's own definitions.
@Suite("messages of etcd")
struct EtcdMessagesTests {
    private static let header = "0a1b08b298eaf1948386fccd0110cdd2918bd2b881cf8e0118ac022002"
    private static let entry = "0a042f612f31100518ac0220022a017630b6929aa4e2c5e8bd7d"

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0..<$0 + 2]), radix: 16)! }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }

    @Test("a request for a range is what etcd defines")
    func range() {
        let range = EtcdKeyRange(prefix: "/a/")
        #expect(
            Self.hex(RangeRequest(range: range, revision: 300, limit: 1000).bytes)
                == "0a032f612f12032f613018e80720ac02")
        #expect(
            Self.hex(RangeRequest(range: EtcdKeyRange(prefix: ""), limit: 1, countsOnly: true).bytes)
                == "0a010012010018014801")
        #expect(range.after(Array("/a/1".utf8)).start == Array("/a/1\0".utf8))
    }

    @Test("an answer to a range is read")
    func rangeResponse() throws {
        let response = try RangeResponse(
            Self.bytes(Self.header + "121a\(Self.entry)12060a042f612f3218012007")[...])
        #expect(response.header.revision == 300)
        #expect(response.header.clusterID == 14_841_639_068_965_178_418)
        #expect(response.hasMore)
        #expect(response.entries.map(\.key) == [Array("/a/1".utf8), Array("/a/2".utf8)])
        #expect(response.entries.map(\.lease) == [9_041_998_995_941_394_742, 0])
        #expect(response.entries[0].value == Array("v".utf8))
        #expect(response.entries[0].revision == 300)
    }

    @Test("a watch's creation is what etcd defines, with parts allowed")
    func watchCreate() {
        let request = WatchCreateRequest(range: EtcdKeyRange(prefix: "/a/"), startRevision: 301)
        #expect(Self.hex(request.bytes) == "0a110a032f612f12032f613018ad0220014001")
    }

    @Test("what a watch tells is read")
    func watchResponse() throws {
        let created = try WatchResponse(Self.bytes(Self.header + "1801")[...])
        #expect(created.isCreated && created.header.revision == 300 && created.events.isEmpty)
        let changed = try WatchResponse(
            Self.bytes(Self.header + "5a1c121a\(Self.entry)5a0d080112090a042f612f3218ad02")[...])
        #expect(changed.events.map(\.isDeletion) == [false, true])
        #expect(changed.events.map(\.entry.revision) == [300, 301])
        let compacted = try WatchResponse(Self.bytes("0a020801200128a202")[...])
        #expect(compacted.isCanceled && compacted.compactRevision == 290)
    }

    @Test("a login is what etcd defines")
    func authenticate() throws {
        #expect(Self.hex(AuthenticateMessage.request(user: "root", password: "pw")) == "0a04726f6f7412027077")
        #expect(try AuthenticateMessage.token(Self.bytes(Self.header + "12066162632e3132")[...]) == "abc.12")
    }

    @Test("bytes that end too early are an error, and unknown fields are passed over")
    func broken() throws {
        let whole = Self.bytes(Self.header + "5a1c121a\(Self.entry)")
        for length in 1..<whole.count {
            // A message that ends between two fields is one.
            _ = try? WatchResponse(whole[..<length])
        }
        #expect(throws: EtcdError.self) { try WatchResponse(whole.dropLast()) }
        #expect(throws: EtcdError.self) { try WatchResponse([0x0B][...]) }
        #expect(throws: EtcdError.self) { try WatchResponse([UInt8](repeating: 0xFF, count: 12)[...]) }
        let unknown = Self.bytes("a00601a90600000000000000 00ad0600000000b206026869 1801".filter { $0 != " " })
        #expect(try WatchResponse(unknown[...]).isCreated)
    }
}
