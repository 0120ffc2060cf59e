package import NIOCore

/// Splits a stream into frames, for a server: four bytes of length, then that many bytes.
///
/// A frame above the limit ends the connection, as a server's `jute.maxbuffer` does. A client uses `ReplyDecoder`.
package struct FrameDecoder: ByteToMessageDecoder {
    package typealias InboundOut = ByteBuffer

    /// A frame that breaks the protocol. The connection must be closed after it.
    package struct Violation: Error, CustomStringConvertible {
        package var description: String
    }

    /// The longest accepted frame in bytes, without its length.
    let limit: Int

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

    /// Takes the next frame off the buffer; `nil` while it is incomplete.
    private func nextFrame(of buffer: inout ByteBuffer) throws(Violation) -> ByteBuffer? {
        guard let length = try Self.announcedLength(in: buffer) else { return nil }
        guard length <= limit else {
            throw Violation(description: "the peer sends a frame of \(length) bytes, and the limit is \(limit)")
        }
        return Self.takeFrame(of: length, from: &buffer)
    }

    /// The length of the next frame in bytes; `nil` while the length itself is incomplete.
    static func announcedLength(in buffer: ByteBuffer) throws(Violation) -> Int? {
        guard let announced = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        guard announced >= 0 else {
            throw Violation(description: "the peer sends a frame of the impossible length \(announced)")
        }
        return Int(announced)
    }

    static func takeFrame(of length: Int, from buffer: inout ByteBuffer) -> ByteBuffer? {
        guard buffer.readableBytes >= 4 + length else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        return buffer.readSlice(length: length)
    }
}
