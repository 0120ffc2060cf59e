internal import NIOCore

/// Which server comes next and how long to wait before it: every server once without a pause, then with pauses that
/// double from 50 ms to 2 s, each shortened at random so that the clients of an ensemble don't return in step.
struct ReconnectSchedule {
    private var order: [ConnectionString.Server] = []
    private var next = 0
    private var failures = 0

    mutating func nextServer(of servers: [ConnectionString.Server]) -> ConnectionString.Server? {
        if order.isEmpty { order = servers.shuffled() }
        guard !order.isEmpty else { return nil }
        defer { next = (next + 1) % order.count }
        return order[next]
    }

    mutating func succeeded() {
        failures = 0
    }

    /// - Parameter jitter: From 0 to 1.
    mutating func failed(jitter: Double = .random(in: 0...1)) -> Duration {
        failures += 1
        let cycles = (failures - 1) / max(order.count, 1)
        if failures < order.count { return .zero }
        let ceiling = min(50.0 * Double(1 << min(cycles, 10)), 2000)
        return .milliseconds(Int(ceiling / 2 + ceiling / 2 * jitter))
    }
}
