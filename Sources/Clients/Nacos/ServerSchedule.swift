internal import Concurrency

/// Which server comes next, and when.
///
/// The servers follow each other from a random one on, so that clients spread. Each server has its own backoff: one
/// that is down does not slow the way to the others.
struct ServerSchedule {
    private struct Place {
        var server: NacosServer
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(5))
        var notBefore = Duration.zero
    }

    /// A connection that lasted longer than this proves its server.
    private static let provingTime = Duration.seconds(10)

    private var places: [Place] = []
    private var next = 0
    private var preferred: NacosServer?

    var servers: [NacosServer] { places.map(\.server) }

    /// Takes the servers in a new order. A server that was there before keeps its backoff.
    mutating func set(_ servers: [NacosServer], using random: inout some RandomNumberGenerator) {
        guard Set(servers) != Set(places.map(\.server)) else { return }
        let known = Dictionary(places.map { ($0.server, $0) }) { first, _ in first }
        var seen: Set<NacosServer> = []
        places = servers.filter { seen.insert($0).inserted }.map { known[$0] ?? Place(server: $0) }
        places.shuffle(using: &random)
        next = 0
    }

    /// Wishes a server next, if it is one of the servers.
    mutating func prefer(_ address: String) {
        guard let wanted = NacosServer(address) else { return }
        preferred = places.first { $0.server.address == wanted.address }?.server
    }

    /// - Returns: The server for the next attempt, and when to begin it; `nil` without servers.
    mutating func choose() -> (server: NacosServer, notBefore: Duration)? {
        if let wanted = preferred.take(), let place = places.first(where: { $0.server == wanted }) {
            return (place.server, place.notBefore)
        }
        guard !places.isEmpty else { return nil }
        let order = (0..<places.count).map { (next + $0) % places.count }
        guard let index = order.min(by: { places[$0].notBefore < places[$1].notBefore }) else { return nil }
        next = (index + 1) % places.count
        return (places[index].server, places[index].notBefore)
    }

    /// A connection ended, or an attempt failed.
    /// - Parameter lasted: How long the connection was ready; `nil` where it never was.
    mutating func failed(_ server: NacosServer, lasted: Duration?, now: Duration, jitter: Double = .random(in: 0...1)) {
        guard let index = places.firstIndex(where: { $0.server == server }) else { return }
        if let lasted, lasted > Self.provingTime { places[index].backoff.reset() }
        places[index].notBefore = now + places[index].backoff.next(jitter: jitter)
    }
}
