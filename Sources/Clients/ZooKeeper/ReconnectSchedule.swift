internal import NIOCore

/// Which server comes next and how long to wait before it: every server once without a pause, then with pauses that
/// double from 50 ms to 2 s, each shortened at random so that the clients of an ensemble don't return in step.
struct ReconnectSchedule {
    private static let longestPause = Duration.seconds(2)
    /// How long a session has to stand on a connection until it counts as one that works.
    private static let provingTime = TimeAmount.seconds(10)

    private var order: [ConnectionString.Server] = []
    private var next = 0
    private var failures = 0
    /// When the session stood on the connection, if it did.
    private var established: NIODeadline?

    mutating func nextServer(of servers: [ConnectionString.Server]) -> ConnectionString.Server? {
        if order.isEmpty { order = servers.shuffled() }
        guard !order.isEmpty else { return nil }
        defer { next = (next + 1) % order.count }
        return order[next]
    }

    /// The session stands on a connection.
    mutating func sessionEstablished(now: NIODeadline) {
        established = now
    }

    /// The server broke the protocol or refused the client: however long the connection stood, it proves nothing.
    mutating func connectionProvedUseless() {
        established = nil
    }

    /// A connection ended, or could not be made: how long to wait.
    ///
    /// Only one that proved itself starts the schedule anew. Every connection costs its user a full read, and one that
    /// this read ends must not be made again at once, time after time.
    /// - Parameter jitter: From 0 to 1.
    mutating func failed(now: NIODeadline, jitter: Double = .random(in: 0...1)) -> Duration {
        if let since = established.take(), now - since > Self.provingTime { failures = 0 }
        failures += 1
        if failures < order.count { return .zero }
        let cycles = (failures - 1) / max(order.count, 1)
        let ceiling = min(.milliseconds(50) * (1 << min(cycles, 10)), Self.longestPause)
        return ceiling / 2 + ceiling / 2 * jitter
    }
}
