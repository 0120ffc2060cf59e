package import NIOCore

/// Splits the stream into frames: four bytes of length, then that many bytes. A frame above the limit ends the connection,
/// which is what a server does to a request (`jute.maxbuffer`); a client reads with `ReplyDecoder`.
package struct FrameDecoder: ByteToMessageDecoder {
    package typealias InboundOut = ByteBuffer

    /// A frame that breaks a rule of the wire; the connection can't go on after it.
    package struct Violation: Error, CustomStringConvertible {
        package var description: String
    }

    /// The longest frame that is taken, in bytes.
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
        // What is left of a cut connection is half a frame: nothing that could be used.
        while case .continue = try decode(context: context, buffer: &buffer) {}
        return .needMoreData
    }

    /// Takes the next frame off the buffer, once all of it is there.
    private func nextFrame(of buffer: inout ByteBuffer) throws(Violation) -> ByteBuffer? {
        guard let length = try Self.announcedLength(in: buffer) else { return nil }
        guard length <= limit else {
            throw Violation(description: "the peer announces a frame of \(length) bytes, and the limit is \(limit)")
        }
        return Self.takeFrame(of: length, from: &buffer)
    }

    /// How long the next frame is; `nil` while the length itself is not there.
    static func announcedLength(in buffer: ByteBuffer) throws(Violation) -> Int? {
        guard let announced = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        guard announced >= 0 else { throw Violation(description: "the peer announces a frame of \(announced) bytes") }
        return Int(announced)
    }

    static func takeFrame(of length: Int, from buffer: inout ByteBuffer) -> ByteBuffer? {
        guard buffer.readableBytes >= 4 + length else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        return buffer.readSlice(length: length)
    }
}
