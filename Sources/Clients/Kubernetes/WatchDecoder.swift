internal import NIOCore

/// Decodes the bytes of a watch into events. It does not matter how the bytes are cut into chunks.
struct WatchDecoder {
    private var lines: LineSplitter
    /// The request's method and path, for errors.
    private let label: String

    /// - Parameter limit: the largest event, in bytes.
    init(limit: Int, label: String) {
        lines = LineSplitter(limit: limit)
        self.label = label
    }

    mutating func append(_ chunk: ByteBuffer) { lines.append(chunk) }

    /// Decodes the next event. After an error the decoder cannot be used any further.
    ///
    /// - Returns: `nil` when more bytes are needed.
    /// - Throws: `KubernetesError`: what an `ERROR` event says, `malformedReply`, or `replyTooLarge`.
    mutating func next() throws(KubernetesError) -> WatchEvent? {
        while let line = try line() {
            // An event of an unknown type, which a later server may send, is skipped.
            if line.readableBytes > 0, let event = try WatchEvent(line: line, of: label) { return event }
        }
        return nil
    }

    /// Ends the decoding: the last byte has come.
    ///
    /// - Throws: `KubernetesError` with `connectionLost` when the bytes end within an event.
    func finish() throws(KubernetesError) {
        guard lines.hasRemainder else { return }
        throw KubernetesError(code: .connectionLost, message: "the watch ended within an event", path: label)
    }

    private mutating func line() throws(KubernetesError) -> ByteBuffer? {
        do throws(LineSplitter.TooLong) { return try lines.next() } catch {
            throw KubernetesError(
                code: .replyTooLarge, message: "a watch event is larger than \(lines.limit) bytes", path: label)
        }
    }
}

/// Feeds bytes to the decoder of watches, for fuzzing. No input may trap, and none may be decoded differently when it
/// comes in other chunks.
///
/// - Parameter bytes: the first byte is the size of the chunks into which the others are cut.
package func fuzzWatchDecoder(_ bytes: UnsafeRawBufferPointer) {
    guard let size = bytes.first else { return }
    let rest = bytes[1...]
    let whole = decode([ByteBuffer(bytes: rest)])
    var chunks: [ByteBuffer] = []
    var start = rest.startIndex
    while start < rest.endIndex {
        let end = min(start + max(Int(size), 1), rest.endIndex)
        chunks.append(ByteBuffer(bytes: rest[start..<end]))
        start = end
    }
    precondition(decode(chunks) == whole, "the events depend on how their bytes are cut into chunks")
}

private struct Decoded: Equatable {
    var events: [WatchEvent] = []
    var error: KubernetesError.Code?
}

private func decode(_ chunks: [ByteBuffer]) -> Decoded {
    // The limit is small, so that inputs reach it.
    var decoder = WatchDecoder(limit: 4_096, label: "")
    var decoded = Decoded()
    do throws(KubernetesError) {
        for chunk in chunks {
            decoder.append(chunk)
            while let event = try decoder.next() { decoded.events.append(event) }
        }
        try decoder.finish()
    } catch { decoded.error = error.code }
    return decoded
}
