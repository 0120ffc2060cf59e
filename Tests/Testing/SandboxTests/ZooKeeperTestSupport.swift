import NIOCore
import Sandbox
import Testing
import ZooKeeper

/// Runs a client of `servers` for as long as `body` takes.
func withZooKeeperClient(
    _ servers: String, configuration: ZooKeeperClient.Configuration = .init(),
    _ body: @Sendable (ZooKeeperClient) async throws -> Void
) async throws {
    try await ZooKeeperClient.withClient(try ConnectionString(servers), configuration: configuration, body)
}

/// The error of a request; `nil` when it succeeds.
func failure<Value>(_ request: @Sendable () async throws -> Value) async -> ZooKeeperError? {
    do {
        _ = try await request()
        return nil
    } catch {
        return error as? ZooKeeperError
    }
}

extension ZooKeeperServer {
    /// A server whose sessions take 200 ms to 2 s to expire.
    static func quick(
        port: Int = 0, _ change: (inout Configuration) -> Void = { _ in }
    ) -> ZooKeeperServer {
        var configuration = Configuration()
        configuration.port = port
        configuration.tick = .milliseconds(100)
        change(&configuration)
        return ZooKeeperServer(configuration: configuration)
    }
}

extension ZooKeeperEvents.AsyncIterator {
    /// The next time that a session stands.
    mutating func nextSession() async throws -> Session {
        while let event = await next() {
            if case .connected(let session) = event { return session }
        }
        throw EventsEnded()
    }

    /// The next watch event.
    mutating func nextChange() async throws -> WatchEvent {
        while let event = await next() {
            if case .changed(let event) = event { return event }
        }
        throw EventsEnded()
    }
}

struct EventsEnded: Error {}

extension ByteBuffer {
    var text: String { String(buffer: self) }
}
