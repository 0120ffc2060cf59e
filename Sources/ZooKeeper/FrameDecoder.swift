package import NIOCore

/// Splits the stream into frames: four bytes of length, then that many bytes.
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
        guard let frame = try Self.nextFrame(of: &buffer, limit: limit) else { return .needMoreData }
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
    static func nextFrame(of buffer: inout ByteBuffer, limit: Int) throws(Violation) -> ByteBuffer? {
        guard let announced = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        guard announced >= 0 else { throw Violation(description: "the peer announces a frame of \(announced) bytes") }
        guard announced <= limit else {
            throw Violation(
                description:
                    "the peer announces a frame of \(announced) bytes, and the limit is \(limit); raise replyLimit")
        }
        guard buffer.readableBytes >= 4 + Int(announced) else { return nil }
        buffer.moveReaderIndex(forwardBy: 4)
        return buffer.readSlice(length: Int(announced))
    }
}
