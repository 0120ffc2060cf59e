import NIOCore
import NIOEmbedded
import Testing

@testable import ZooKeeper

@Suite("The splitting of the stream into frames")
struct FrameDecoderTests {
    private func channel(limit: Int = 1_000) -> EmbeddedChannel {
        EmbeddedChannel(handler: ByteToMessageHandler(FrameDecoder(limit: limit)))
    }

    @Test("any division of the stream gives the same frames", arguments: 0..<40 as Range<UInt64>)
    func chunks(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        let frames = (0..<Int.random(in: 1...20, using: &random)).map { _ in
            ByteBuffer(
                bytes: (0..<Int.random(in: 0...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                })
        }
        var stream = ByteBuffer()
        for frame in frames {
            stream.writeInteger(Int32(frame.readableBytes))
            stream.writeImmutableBuffer(frame)
        }
        let channel = channel()
        while stream.readableBytes > 0 {
            let length = min(Int.random(in: 1...100, using: &random), stream.readableBytes)
            let chunk = stream.readSlice(length: length)
            try channel.writeInbound(try #require(chunk))
        }
        for frame in frames { #expect(try channel.readInbound(as: ByteBuffer.self) == frame) }
        #expect(try channel.finish().isClean)
    }

    @Test("a frame at the limit is accepted; one byte more is refused")
    func limit() throws {
        let exact = ByteBuffer.zooKeeperFrame { $0.writeRepeatingByte(1, count: 1_000) }
        let channel = channel()
        try channel.writeInbound(exact)
        #expect(try channel.readInbound(as: ByteBuffer.self)?.readableBytes == 1_000)
        #expect(throws: FrameDecoder.Violation.self) {
            try channel.writeInbound(ByteBuffer(integer: 1_001 as Int32))
        }
        _ = try? channel.finish()
    }

    @Test("a negative length breaks the connection")
    func negative() throws {
        let channel = channel()
        #expect(throws: FrameDecoder.Violation.self) { try channel.writeInbound(ByteBuffer(integer: -1 as Int32)) }
        _ = try? channel.finish()
    }

    @Test("an incomplete frame at the end of the stream is dropped")
    func cut() throws {
        let channel = channel()
        var half = ByteBuffer(integer: 10 as Int32)
        half.writeBytes([1, 2, 3])
        try channel.writeInbound(half)
        #expect(try channel.finish().isClean)
    }
}
