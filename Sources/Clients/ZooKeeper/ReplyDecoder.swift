package import NIOCore

/// A frame from a server.
package enum ReplyFrame: Hashable, Sendable {
    case whole(ByteBuffer)
    /// A frame above the limit. Only its header is kept.
    case oversized(ReplyHeader, length: Int)
}

/// Splits a server's stream into frames.
///
/// The decoder skips the body of a frame above the limit while it arrives. Such a frame fails its own request; it costs
/// no memory and the connection stays open.
package struct ReplyDecoder: ByteToMessageDecoder {
    package typealias InboundOut = ReplyFrame

    /// The longest accepted reply to the handshake in bytes. A ZooKeeper server sends 37.
    ///
    /// A peer that is no ZooKeeper server is recognized by its first four bytes, which read as a large length.
    private static let longestHandshake = 4_096

    /// The longest frame that is kept, in bytes without its length.
    private let limit: Int
    private var isHandshake = true
    /// The bytes to skip of an oversized frame that is still arriving.
    private var bytesToSkip = 0

    package init(limit: Int) {
        self.limit = limit
    }

    package mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let frame = try nextFrame(of: &buffer) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }

    package mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        // The rest of a closed connection is an incomplete frame, which nobody can use.
        while case .continue = try decode(context: context, buffer: &buffer) {}
        return .needMoreData
    }

    /// Takes the next frame off the buffer, or the header of an oversized one; `nil` while that is incomplete.
    mutating func nextFrame(of buffer: inout ByteBuffer) throws(FrameDecoder.Violation) -> ReplyFrame? {
        skip(&buffer)
        guard bytesToSkip == 0, let length = try FrameDecoder.announcedLength(in: buffer) else { return nil }
        if isHandshake, length > Self.longestHandshake {
            throw FrameDecoder.Violation(
                description:
                    "the peer's first message has \(length) bytes, and a handshake reply has 37; "
                    + "is it a ZooKeeper server, and does it want TLS on this port?")
        }
        guard length > limit, !isHandshake else {
            guard let frame = FrameDecoder.takeFrame(of: length, from: &buffer) else { return nil }
            isHandshake = false
            return .whole(frame)
        }
        guard length >= ReplyHeader.encodedSize else {
            throw FrameDecoder.Violation(
                description: "the server sends a reply of \(length) bytes, which is shorter than a header")
        }
        guard let (_, xid, zxid, error) = buffer.readMultipleIntegers(as: (Int32, Int32, Int64, Int32).self) else {
            return nil
        }
        bytesToSkip = length - ReplyHeader.encodedSize
        skip(&buffer)
        return .oversized(ReplyHeader(xid: xid, zxid: zxid, error: error), length: length)
    }

    private mutating func skip(_ buffer: inout ByteBuffer) {
        let count = min(bytesToSkip, buffer.readableBytes)
        buffer.moveReaderIndex(forwardBy: count)
        bytesToSkip -= count
    }
}
