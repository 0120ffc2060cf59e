internal import NIOCore

/// Cuts a stream of bytes into lines. It examines each byte once, however small the chunks and however long the lines
/// are.
struct LineSplitter {
    /// The longest line, in bytes.
    let limit: Int
    private var buffer = ByteBuffer()
    /// The number of the buffer's readable bytes that are known to hold no line feed.
    private var searched = 0

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ chunk: ByteBuffer) {
        if buffer.readableBytes == 0 {
            // Nothing is copied, and the memory of a long line is released.
            buffer = chunk
        } else {
            var chunk = chunk
            buffer.discardReadBytes()
            buffer.writeBuffer(&chunk)
        }
    }

    /// Takes the next whole line, without its line feed.
    ///
    /// - Returns: `nil` when more bytes are needed.
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

    /// Whether the buffer holds a part of an unfinished line.
    var hasRemainder: Bool { buffer.readableBytes > 0 }

    struct TooLong: Error {}
}
