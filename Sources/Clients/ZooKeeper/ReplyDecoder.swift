package import NIOCore

/// A frame that a server sent.
package enum ReplyFrame: Hashable, Sendable {
    case whole(ByteBuffer)
    /// A frame that is longer than the limit. Its header is all that was kept of it.
    case oversized(ReplyHeader, length: Int)
}

/// Splits what a server sends into frames. Of one that is longer than the limit the body is passed over as it arrives, so
/// that it costs the request it answers, and neither memory nor the connection.
package struct ReplyDecoder: ByteToMessageDecoder {
    package typealias InboundOut = ReplyFrame

    /// The answer to the handshake takes 37 bytes. What announces a long one is no ZooKeeper server, and is told so now
    /// rather than after all that it may send.
    private static let longestHandshake = 4_096

    /// The longest frame that is kept, in bytes.
    private let limit: Int
    private var isHandshake = true
    /// What is still to come of a body that nobody wants.
    private var unwanted = 0

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
        // What is left of a cut connection is half a frame: nothing that could be used.
        while case .continue = try decode(context: context, buffer: &buffer) {}
        return .needMoreData
    }

    /// Takes the next frame off the buffer: once all of it is there, or the header of an oversized one.
    mutating func nextFrame(of buffer: inout ByteBuffer) throws(FrameDecoder.Violation) -> ReplyFrame? {
        passOver(&buffer)
        guard unwanted == 0, let length = try FrameDecoder.announcedLength(in: buffer) else { return nil }
        if isHandshake, length > Self.longestHandshake {
            throw FrameDecoder.Violation(
                description:
                    "the server's first message is to be \(length) bytes long, which no answer to a handshake is; "
                    + "is it a ZooKeeper server, and does it want TLS on this port?")
        }
        guard length > limit, !isHandshake else {
            guard let frame = FrameDecoder.takeFrame(of: length, from: &buffer) else { return nil }
            isHandshake = false
            return .whole(frame)
        }
        guard length >= ReplyHeader.encodedSize else {
            throw FrameDecoder.Violation(description: "the server announces a reply of \(length) bytes")
        }
        guard let (_, xid, zxid, error) = buffer.readMultipleIntegers(as: (Int32, Int32, Int64, Int32).self) else {
            return nil
        }
        unwanted = length - ReplyHeader.encodedSize
        passOver(&buffer)
        return .oversized(ReplyHeader(xid: xid, zxid: zxid, error: error), length: length)
    }

    private mutating func passOver(_ buffer: inout ByteBuffer) {
        let count = min(unwanted, buffer.readableBytes)
        buffer.moveReaderIndex(forwardBy: count)
        unwanted -= count
    }
}
