internal import NIOCore

/// One direction of one connection: what came in and did not go on yet, and when it may.
///
/// A value that takes events and the time; ``ChaosProxy`` moves the bytes.
struct ChaosFlow {
    /// How the sender ended; a later case says more than an earlier one.
    enum End: Int, Comparable {
        /// It sends no more, and may go on reading.
        case half
        /// It is gone.
        case whole
        /// It is gone, and did not say goodbye.
        case reset

        static func < (left: End, right: End) -> Bool { left.rawValue < right.rawValue }
    }

    enum Step: Equatable {
        case pass(ByteBuffer)
        case drop(Int)
        case end(End)
        case wait(until: NIODeadline)
        case rest
    }

    private struct Chunk {
        var bytes: ByteBuffer
        let arrival: NIODeadline
    }

    /// As soon as so many bytes are held, no more are read.
    static let byteLimit = 256 * 1024
    /// The same for pieces, whose smallest is a byte.
    private static let chunkLimit = 1_024

    private var chunks = CircularBuffer<Chunk>()
    private var pendingEnd: (kind: End, arrival: NIODeadline)?
    private var passedEnd: End?
    private var isAbandoned = false
    /// When the throttle lets the next bytes through.
    private var nextTurn = NIODeadline.uptimeNanoseconds(0)
    /// How many bytes are held.
    private(set) var held = 0
    /// Whether bytes were lost between others, so that the receiver can't make sense of later ones.
    private(set) var hasGap = false

    /// Whether the sender is to be read from.
    var wantsMore: Bool {
        pendingEnd == nil && passedEnd == nil && held < Self.byteLimit && chunks.count < Self.chunkLimit
    }

    mutating func receive(_ bytes: ByteBuffer, now: NIODeadline) {
        // A copy: a few bytes must not keep all of a large buffer.
        chunks.append(Chunk(bytes: ByteBuffer(bytes: bytes.readableBytesView), arrival: now))
        held += bytes.readableBytes
    }

    mutating func finish(_ end: End, now: NIODeadline) {
        if let passedEnd, passedEnd >= end { return }
        if let pendingEnd, pendingEnd.kind >= end { return }
        pendingEnd = (end, pendingEnd?.arrival ?? now)
    }

    /// There is no receiver any more: everything is dropped from now on.
    mutating func abandon() {
        isAbandoned = true
    }

    /// The next step; ask again until it waits or rests.
    ///
    /// - Parameter isReady: whether the receiver takes bytes now.
    mutating func next(under conditions: ChaosConditions, isReady: Bool, now: NIODeadline) -> Step {
        if isAbandoned || conditions.hole == .losing, held > 0 { return drop() }
        guard isReady, !isAbandoned, conditions.hole == nil else { return .rest }
        guard let chunk = chunks.first else { return nextEnd(under: conditions, now: now) }
        var due = chunk.arrival + conditions.delay
        if conditions.bytesPerSecond != nil { due = max(due, nextTurn) }
        guard due <= now else { return .wait(until: due) }
        return .pass(take(atRate: conditions.bytesPerSecond, now: now))
    }

    private mutating func nextEnd(under conditions: ChaosConditions, now: NIODeadline) -> Step {
        guard let end = pendingEnd else { return .rest }
        let due = end.arrival + conditions.delay
        guard due <= now else { return .wait(until: due) }
        pendingEnd = nil
        passedEnd = end.kind
        return .end(end.kind)
    }

    private mutating func drop() -> Step {
        let count = held
        chunks.removeAll()
        held = 0
        hasGap = true
        return .drop(count)
    }

    private mutating func take(atRate rate: Int?, now: NIODeadline) -> ByteBuffer {
        var chunk = chunks.removeFirst()
        var count = chunk.bytes.readableBytes
        if let rate {
            // Fifty pieces a second, so that a slow link is slow and not a row of pauses.
            count = min(count, max(rate / 50, 1))
            nextTurn = now + .nanoseconds(Int64(count) * 1_000_000_000 / Int64(rate))
        }
        let bytes = chunk.bytes.readSlice(length: count) ?? ByteBuffer()
        if chunk.bytes.readableBytes > 0 { chunks.prepend(chunk) }
        held -= count
        return bytes
    }
}
