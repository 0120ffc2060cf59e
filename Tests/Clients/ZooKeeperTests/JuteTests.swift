import NIOCore
import Testing

@testable import ZooKeeper

@Suite("Jute")
struct JuteTests {
    static let operations: [Operation] = [
        .getChildren(path: "/a", watch: true), .getData(path: "/", watch: false), .exists(path: "/ü", watch: true),
        .create(path: "/c", data: ByteBuffer(string: "data"), mode: .ephemeralSequential),
        .create(path: "/c", data: ByteBuffer(), mode: .persistent),
        .setData(path: "/s", data: ByteBuffer(bytes: [0, 255]), version: -1), .delete(path: "/d", version: 7),
        .sync(path: "/"), .addWatch(path: "/w", mode: .persistentRecursive), .closeSession,
        .getChildrenAndStat(path: "/a", watch: false), .getACL(path: "/a"),
        .setACL(path: "/a", acl: [.anyone(.read), .creator(.all)], version: 3),
        .removeWatches(path: "/a", kind: .any),
        .create(path: "/c", data: ByteBuffer(), mode: .container, acl: .readOnly),
        .create(path: "/c", data: ByteBuffer(), mode: .persistentWithTTL(.milliseconds(1_500))),
        .create(path: "/c", data: ByteBuffer(), mode: .persistentSequentialWithTTL(.seconds(2))),
        .multi([]),
        .multi([
            .create("/m", data: ByteBuffer(string: "x"), mode: .ephemeral), .create("/c", mode: .container),
            .create("/t", mode: .persistentWithTTL(.seconds(1))), .setData(of: "/m", to: ByteBuffer()),
            .delete("/m", version: 2), .check("/m", version: 7),
        ]),
    ]

    @Test("every request is decoded as it was encoded", arguments: operations)
    func requests(operation: Operation) throws {
        var frame = operation.frame(xid: 42)
        let length = try frame.readJuteInt()
        #expect(Int(length) == frame.readableBytes)
        let header = try RequestHeader(reading: &frame)
        #expect(header.xid == 42)
        let code = try #require(OpCode(rawValue: header.type))
        #expect(code == operation.code)
        #expect(try Operation(reading: &frame, code: code) == operation)
        #expect(frame.readableBytes == 0)
    }

    @Test("both sides of the handshake are decoded as they were encoded")
    func handshake() throws {
        let password = ByteBuffer(bytes: 1...16)
        let request = ConnectRequest(
            lastZxidSeen: .max, timeout: 30_000, sessionID: -5, password: password, readOnly: true)
        var buffer = request.frame
        _ = try buffer.readJuteInt()
        #expect(try ConnectRequest(reading: &buffer) == request)
        let response = ConnectResponse(timeout: 0, sessionID: .min, password: password, readOnly: false)
        buffer = response.frame
        _ = try buffer.readJuteInt()
        #expect(try ConnectResponse(reading: &buffer) == response)
    }

    @Test("the handshake reply of a server up to 3.3, without the last byte, is decoded")
    func oldHandshake() throws {
        var buffer = ConnectResponse(
            timeout: 5, sessionID: 1, password: ByteBuffer(repeating: 0, count: 16), readOnly: true
        ).frame
        _ = try buffer.readJuteInt()
        buffer.moveWriterIndex(to: buffer.writerIndex - 1)
        #expect(try ConnectResponse(reading: &buffer).readOnly == false)
    }

    @Test("a Stat has 68 bytes and is decoded as it was encoded")
    func stat() throws {
        let stat = Stat(
            creationZxid: 1, modificationZxid: 2, creationTime: 3, modificationTime: 4, version: 5, childVersion: 6,
            aclVersion: 7, ephemeralOwner: 8, dataLength: 9, childCount: 10, childModificationZxid: 11)
        var buffer = ByteBuffer()
        stat.write(to: &buffer)
        #expect(buffer.readableBytes == Stat.encodedSize)
        #expect(try Stat(reading: &buffer) == stat)
    }

    @Test("a watch event is decoded as it was encoded; one of an unknown kind is skipped")
    func events() throws {
        let event = WatchEvent(kind: .childrenChanged, path: "/a/b")
        var frame = event.frame
        _ = try frame.readJuteInt()
        #expect(try ReplyHeader(reading: &frame) == ReplyHeader(xid: -1, zxid: -1, error: 0))
        var unknown = frame
        unknown.setInteger(99 as Int32, at: unknown.readerIndex)
        #expect(try WatchEvent(reading: &frame) == event)
        #expect(try WatchEvent(reading: &unknown) == nil)
    }

    @Test("null differs from empty where it matters")
    func null() throws {
        var buffer = ByteBuffer()
        buffer.writeJuteBuffer(nil)
        buffer.writeJuteBuffer(ByteBuffer())
        buffer.writeInteger(-1 as Int32)
        buffer.writeInteger(-1 as Int32)
        #expect(try buffer.readJuteBuffer() == nil)
        #expect(try buffer.readJuteBuffer() == ByteBuffer())
        #expect(try buffer.readJuteStrings() == [])
        #expect(throws: JuteError.self) { try buffer.readJutePath() }
    }

    @Test(
        "a length above the bytes that are left is refused before an allocation",
        arguments: [Int32.max, Int32.min, -2, 5, 1 << 30])
    func lengths(length: Int32) {
        var buffer = ByteBuffer(integer: length)
        buffer.writeBytes([1, 2, 3, 4])
        var copy = buffer
        #expect(throws: JuteError.self) { try copy.readJuteBuffer() }
        copy = buffer
        #expect(throws: JuteError.self) { try copy.readJuteString() }
        copy = buffer
        #expect(throws: JuteError.self) { try copy.readJuteStrings() }
    }

    @Test("random bytes are decoded or refused, and never read past their end", arguments: 0..<16 as Range<UInt64>)
    func fuzz(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        for _ in 0..<100 {
            var bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Small lengths reach deeper into the decoders than random ones.
            for index in stride(from: 0, to: bytes.count - 4, by: 4) where Bool.random(using: &random) {
                bytes.replaceSubrange(index..<index + 4, with: [0, 0, 0, UInt8.random(in: 0...20, using: &random)])
            }
            let input = ByteBuffer(bytes: bytes)
            read(input) { (buffer) throws(JuteError) in _ = try ConnectRequest(reading: &buffer) }
            read(input) { (buffer) throws(JuteError) in _ = try ConnectResponse(reading: &buffer) }
            read(input) { (buffer) throws(JuteError) in _ = try ReplyHeader(reading: &buffer) }
            read(input) { (buffer) throws(JuteError) in _ = try WatchEvent(reading: &buffer) }
            read(input) { (buffer) throws(JuteError) in _ = try Stat(reading: &buffer) }
            read(input) { (buffer) throws(JuteError) in
                let names = try buffer.readJuteStrings()
                #expect(names.count * 4 <= bytes.count)
            }
            for code in [OpCode.create, .delete, .exists, .getData, .setData, .getChildren2, .sync, .addWatch] {
                read(input) { (buffer) throws(JuteError) in _ = try Operation(reading: &buffer, code: code) }
            }
        }
    }

    private func read(_ input: ByteBuffer, _ body: (inout ByteBuffer) throws(JuteError) -> Void) {
        var buffer = input
        do throws(JuteError) { try body(&buffer) } catch { #expect(!error.description.isEmpty) }
        #expect(buffer.readerIndex <= input.writerIndex)
    }
}
