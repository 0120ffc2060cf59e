internal import NIOCore

/// Cuts a stream of bytes into lines. Each byte is looked at once, however small the chunks and long the lines.
struct LineSplitter {
    /// The longest line, in bytes.
    let limit: Int
    private var buffer = ByteBuffer()
    /// How many of the buffer's readable bytes are known to hold no line feed.
    private var searched = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ chunk: ByteBuffer) {
        if buffer.readableBytes == 0 {
            // Nothing is copied, and a long line's memory is let go.
            buffer = chunk
        } else {
            var chunk = chunk
            buffer.discardReadBytes()
            buffer.writeBuffer(&chunk)
        }
    }

    /// The next whole line, without its line feed; `nil` when more bytes are needed.
    ///
    /// - Throws: `TooLong` when a line exceeds the limit.
    mutating func next() throws(TooLong) -> ByteBuffer? {
        let found = buffer.withUnsafeReadableBytes { bytes in
            bytes[searched...].firstIndex(of: UInt8(ascii: "\n"))
        }
        guard let length = found else {
            searched = buffer.readableBytes
            if searched > limit { throw TooLong() }
            return nil
        }
        searched = 0
        if length > limit { throw TooLong() }
        let line = buffer.readSlice(length: length)
        buffer.moveReaderIndex(forwardBy: 1)
        return line
    }

    /// Whether bytes of an unfinished line are left.
    var hasRemainder: Bool { buffer.readableBytes > 0 }

    struct TooLong: Error {}
}
