internal import NIOCore

extension ChaosProxy {
    /// Closes every connection now, as a server does that stops. What was held is lost. New connections are taken.
    public func cut() {
        for id in links.keys.sorted() { close(id) { $0.close(promise: nil) } }
    }

    /// Resets every connection now (RST), as a machine does that lost its memory. New connections are taken.
    public func reset() {
        for id in links.keys.sorted() { close(id) { $0.reset() } }
    }

    /// From now on new connections are refused, as when no one listens, or are not any more. Those that stand are left
    /// alone.
    ///
    /// For connections that are taken and reset at once, as behind a balancer, ``redirect(to:)`` leads to a port where
    /// no one listens.
    ///
    /// - Throws: what NIO throws when it can't listen again; ``TestSupportError`` after ``stop()``.
    public func refuse(_ isRefusing: Bool = true) async throws {
        if isRefusing { await stopListening() } else { try await listen() }
    }

    /// New connections lead to another port of 127.0.0.1. Those that stand stay where they are. When no one listens
    /// there, a client's connection is taken and then reset.
    public func redirect(to port: Int) {
        upstreamPort = port
    }

    /// From now on no byte passes, nor the news that a side left, or they do again. Connections stand, and new ones are
    /// taken. In one direction it is a network that carries requests but no answers, or the reverse.
    ///
    /// - Parameters:
    ///   - isLosing: whether the bytes are thrown away: senders then go on sending as if all were well, while otherwise
    ///     they find after a while that no more is taken. At the hole's end a connection that lost bytes is reset,
    ///     since no TCP leaves a gap; when nothing is thrown away, everything held arrives.
    public func blackHole(
        _ isOn: Bool = true, going directions: Set<Direction> = Direction.both, losing isLosing: Bool = false
    ) {
        change(directions) { $0.hole = isOn ? (isLosing ? .losing : .holding) : nil }
    }

    /// Every byte comes later by so much from now on, those on their way included; the order stays. Zero ends it.
    ///
    /// No more than 256 KiB are on their way at once, so that a delay also bounds the throughput.
    public func delay(_ delay: Duration, going directions: Set<Direction> = Direction.both) {
        change(directions) { $0.delay = TimeAmount(delay) }
    }

    /// No more than so many bytes pass in a second, for each direction of each connection. `nil` ends it.
    public func throttle(bytesPerSecond: Int?, going directions: Set<Direction> = Direction.both) {
        change(directions) { $0.bytesPerSecond = bytesPerSecond.map { max($0, 1) } }
    }

    /// Flips bits in the next bytes that pass, whichever connection they belong to.
    ///
    /// The same bytes with the same seed become the same other bytes, in whatever pieces they come.
    ///
    /// - Parameters:
    ///   - byteCount: how many bytes are looked at; zero ends it.
    ///   - interval: one bit is flipped in one of so many of them, on average; with 1 in each.
    public func corrupt(
        next byteCount: Int, going direction: Direction, oneIn interval: Int = 1, seed: UInt64
    ) {
        corruption[direction] = ChaosCorruption(byteCount: byteCount, oneIn: interval, seed: seed)
    }

    /// Ends all faults but for ``redirect(to:)``.
    ///
    /// - Throws: as ``refuse(_:)`` does.
    public func heal() async throws {
        corruption = BothWays(nil)
        change(Direction.both) { $0 = ChaosConditions() }
        try await refuse(false)
    }

    private func change(_ directions: Set<Direction>, _ change: (inout ChaosConditions) -> Void) {
        for direction in directions { change(&conditions[direction]) }
        for (id, link) in links.sorted(by: { $0.key < $1.key }) {
            var hasLostBytes = false
            for direction in directions where link.flows[direction].hasGap && conditions[direction].hole == nil {
                hasLostBytes = true
            }
            if hasLostBytes {
                close(id) { $0.reset() }
            } else {
                for direction in directions { pump(id, going: direction) }
            }
        }
    }
}
