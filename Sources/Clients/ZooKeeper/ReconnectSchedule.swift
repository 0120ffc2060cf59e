internal import Concurrency
internal import NIOCore

/// The order of connection attempts and the delay before each.
///
/// The first round over all servers has no delay. The later delays double from 50 ms to 2 s. A random part of up to
/// half is taken off each, so that the clients of an ensemble do not return in step.
struct ReconnectSchedule {
    private static let backoff = Backoff(from: .milliseconds(50), to: .seconds(2))
    /// A session that lasted longer than this on one connection resets the delays.
    private static let provingTime = TimeAmount.seconds(10)

    private var order: [ConnectionString.Server] = []
    private var next = 0
    private var failures = 0
    /// When the session was established on the current connection; `nil` if it was not.
    private var established: NIODeadline?

    mutating func nextServer(of servers: [ConnectionString.Server]) -> ConnectionString.Server? {
        if order.isEmpty { order = servers.shuffled() }
        guard !order.isEmpty else { return nil }
        defer { next = (next + 1) % order.count }
        return order[next]
    }

    /// The session was established on a connection.
    mutating func sessionEstablished(now: NIODeadline) {
        established = now
    }

    /// The server broke the protocol or refused the client. Such a connection never resets the delays.
    mutating func connectionProvedUseless() {
        established = nil
    }

    /// Takes note that a connection ended or an attempt failed.
    ///
    /// Only a connection that lasted resets the delays. Every connection costs the user a full read. If that read ends
    /// the connection, the client must not reconnect at once again and again.
    /// - Parameter jitter: From 0 to 1.
    /// - Returns: The delay before the next attempt.
    mutating func failed(now: NIODeadline, jitter: Double = .random(in: 0...1)) -> Duration {
        if let since = established.take(), now - since > Self.provingTime { failures = 0 }
        failures += 1
        if failures < order.count { return .zero }
        let rounds = (failures - 1) / max(order.count, 1)
        return Self.backoff.delay(afterFailures: rounds, jitter: jitter)
    }
}
