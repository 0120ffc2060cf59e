package import NIOCore

/// The messages in the data of a stream: a byte for compression, four for the length, then the message.
package struct GRPCMessages: Sendable {
    static let prefixLength = 5

    private let limit: Int
    private var rest = ByteBuffer()

    /// - Parameter limit: The longest accepted message in bytes.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether a message has begun and is not at its end.
    package var isWithinMessage: Bool { rest.readableBytes > 0 }

    package mutating func append(_ data: consuming ByteBuffer) {
        if rest.readableBytes == 0 {
            rest = data
        } else {
            rest.writeBuffer(&data)
        }
    }

    /// The next whole message; `nil` when more data is needed.
    package mutating func next() throws(GRPCStatus) -> ByteBuffer? {
        let start = rest.readerIndex
        guard let compression = rest.getInteger(at: start, as: UInt8.self),
            let length = rest.getInteger(at: start + 1, as: UInt32.self)
        else { return nil }
        guard compression == 0 else {
            throw GRPCStatus(.unimplemented, "the message is compressed, which the client did not offer")
        }
        guard length <= limit else {
            throw GRPCStatus(.resourceExhausted, "a message of \(length) bytes is longer than the limit of \(limit)")
        }
        guard rest.readableBytes >= Self.prefixLength + Int(length) else { return nil }
        rest.moveReaderIndex(forwardBy: Self.prefixLength)
        let message = rest.readSlice(length: Int(length))
        // A long stream must not hold on to what it has read.
        if rest.readableBytes == 0 { rest = ByteBuffer() }
        return message
    }

    /// The message as it crosses the wire.
    package static func framed(_ message: [UInt8], allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: prefixLength + message.count)
        buffer.writeInteger(0, as: UInt8.self)
        buffer.writeInteger(UInt32(message.count))
        buffer.writeBytes(message)
        return buffer
    }
}
