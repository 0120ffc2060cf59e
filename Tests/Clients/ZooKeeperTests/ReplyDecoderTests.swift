import NIOCore
import NIOEmbedded
import Testing

@testable import ZooKeeper

@Suite("The splitting of a server's stream into replies")
struct ReplyDecoderTests {
    private static let handshake = ConnectResponse(
        timeout: 9_000, sessionID: 7, password: ByteBuffer(repeating: 9, count: 16), readOnly: false
    ).frame

    /// A decoder that has seen the handshake.
    private func decoder(limit: Int) throws -> ReplyDecoder {
        var decoder = ReplyDecoder(limit: limit)
        var stream = Self.handshake
        _ = try decoder.nextFrame(of: &stream)
        return decoder
    }

    private func reply(_ xid: Int32, bytes: Int) -> ByteBuffer {
        .zooKeeperFrame { buffer in
            ReplyHeader(xid: xid, zxid: Int64(xid) * 3, error: 0).write(to: &buffer)
            buffer.writeRepeatingByte(UInt8(truncatingIfNeeded: xid), count: bytes - ReplyHeader.encodedSize)
        }
    }

    /// A conversation in which a third of the replies is oversized, and the expected frames.
    private func conversation(
        limit: Int, _ random: inout SeededGenerator
    ) -> (stream: ByteBuffer, frames: [ReplyFrame]) {
        var stream = Self.handshake
        var frames = [ReplyFrame.whole(stream.getSlice(at: 4, length: stream.readableBytes - 4) ?? ByteBuffer())]
        for xid in 1...Int32.random(in: 1...20, using: &random) {
            let isOversized = Int.random(in: 0..<3, using: &random) == 0
            let length = Int.random(in: isOversized ? limit + 1...limit * 4 : 16...limit, using: &random)
            var frame = reply(xid, bytes: length)
            stream.writeImmutableBuffer(frame)
            frame.moveReaderIndex(forwardBy: 4)
            let header = ReplyHeader(xid: xid, zxid: Int64(xid) * 3, error: 0)
            frames.append(isOversized ? .oversized(header, length: length) : .whole(frame))
        }
        return (stream, frames)
    }

    @Test(
        "any division of the stream gives the same frames, oversized ones among them",
        arguments: 0..<40 as Range<UInt64>)
    func chunks(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var (stream, frames) = conversation(limit: 200, &random)
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(ReplyDecoder(limit: 200)))
        while stream.readableBytes > 0 {
            let chunk = stream.readSlice(length: min(Int.random(in: 1...150, using: &random), stream.readableBytes))
            try channel.writeInbound(try #require(chunk))
        }
        for frame in frames { #expect(try channel.readInbound(as: ReplyFrame.self) == frame) }
        #expect(try channel.finish().isClean)
    }

    @Test(
        "the decoder never keeps more than the limit, wherever the stream is divided",
        arguments: 0..<10 as Range<UInt64>)
    func memory(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var (stream, expected) = conversation(limit: 100, &random)
        var decoder = ReplyDecoder(limit: 100)
        var kept = ByteBuffer()
        var most = 0
        var frames: [ReplyFrame] = []
        while var byte = stream.readSlice(length: min(stream.readableBytes, 1)), byte.readableBytes > 0 {
            kept.writeBuffer(&byte)
            while let frame = try decoder.nextFrame(of: &kept) { frames.append(frame) }
            most = max(most, kept.readableBytes)
        }
        #expect(most < 100 + 4)
        #expect(frames == expected)
    }

    @Test("a reply at the limit is kept; of one byte more only the header is kept")
    func limit() throws {
        var decoder = try decoder(limit: 1_000)
        var exact = reply(1, bytes: 1_000)
        guard case .whole(let frame) = try decoder.nextFrame(of: &exact) else {
            Issue.record("not taken")
            return
        }
        #expect(frame.readableBytes == 1_000)
        var longer = reply(2, bytes: 1_001)
        #expect(
            try decoder.nextFrame(of: &longer)
                == .oversized(ReplyHeader(xid: 2, zxid: 6, error: 0), length: 1_001))
        #expect(longer.readableBytes == 0)
    }

    @Test("the longest possible reply is skipped while it arrives, and the next one is decoded")
    func longest() throws {
        var decoder = try decoder(limit: 1_000)
        var stream = ByteBuffer(integer: Int32.max)
        let header = ReplyHeader(xid: 1, zxid: 1, error: 0)
        header.write(to: &stream)
        #expect(try decoder.nextFrame(of: &stream) == .oversized(header, length: Int(Int32.max)))
        var rest = Int(Int32.max) - ReplyHeader.encodedSize
        let chunk = ByteBuffer(repeating: 1, count: 1 << 20)
        while rest > 0 {
            var arrived = chunk.getSlice(at: 0, length: min(rest, chunk.readableBytes)) ?? ByteBuffer()
            rest -= arrived.readableBytes
            if try decoder.nextFrame(of: &arrived) != nil || arrived.readableBytes > 0 {
                Issue.record("something was kept")
                return
            }
        }
        var next = reply(2, bytes: 16)
        guard case .whole = try decoder.nextFrame(of: &next) else {
            Issue.record("the next reply is lost")
            return
        }
    }

    @Test("an impossible length breaks the connection", arguments: [Int32.min, -1, 10])
    func impossible(length: Int32) throws {
        var decoder = try decoder(limit: 8)
        var stream = ByteBuffer(integer: length)
        #expect(throws: FrameDecoder.Violation.self) { try decoder.nextFrame(of: &stream) }
    }

    @Test(
        "a peer that is no ZooKeeper server is recognized by its first four bytes",
        arguments: ["HTTP", "SSH-", "\u{15}\u{3}\u{3}\0"])
    func stranger(greeting: String) {
        var decoder = ReplyDecoder(limit: Int(Int32.max))
        var stream = ByteBuffer(string: greeting)
        let violation = #expect(throws: FrameDecoder.Violation.self) { try decoder.nextFrame(of: &stream) }
        #expect(violation?.description.contains("is it a ZooKeeper server") == true)
    }

    @Test("an incomplete oversized reply at the end of the stream leaves nothing behind")
    func cut() throws {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(ReplyDecoder(limit: 1_000)))
        try channel.writeInbound(Self.handshake)
        try channel.writeInbound(reply(1, bytes: 5_000).getSlice(at: 0, length: 3_000))
        _ = try channel.readInbound(as: ReplyFrame.self)
        guard case .oversized = try channel.readInbound(as: ReplyFrame.self) else {
            Issue.record("the request would not hear of it")
            return
        }
        #expect(try channel.finish().isClean)
    }
}
