/// Which server comes next and how long to wait before it: every server once without a pause, then with pauses that
/// double from 50 ms to 2 s, each shortened at random so that the clients of an ensemble don't return in step.
struct ReconnectSchedule {
    private static let longestPause = Duration.seconds(2)

    private var order: [ConnectionString.Server] = []
    private var next = 0
    private var failures = 0

    mutating func nextServer(of servers: [ConnectionString.Server]) -> ConnectionString.Server? {
        if order.isEmpty { order = servers.shuffled() }
        guard !order.isEmpty else { return nil }
        defer { next = (next + 1) % order.count }
        return order[next]
    }

    /// A connection ended, or could not be made: how long to wait.
    ///
    /// - Parameters:
    ///   - lifetime: How long the session stood on it. Only one that stood for longer than the longest pause starts the
    ///     schedule anew: a connection that the first large reply ends must not be made again at once, time after time.
    ///   - jitter: From 0 to 1.
    mutating func failed(after lifetime: Duration = .zero, jitter: Double = .random(in: 0...1)) -> Duration {
        if lifetime > Self.longestPause { failures = 0 }
        failures += 1
        if failures < order.count { return .zero }
        let cycles = (failures - 1) / max(order.count, 1)
        let ceiling = min(.milliseconds(50) * (1 << min(cycles, 10)), Self.longestPause)
        return ceiling / 2 + ceiling / 2 * jitter
    }
}
