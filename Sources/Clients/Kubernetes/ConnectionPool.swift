internal import AsyncHTTPClient

/// An HTTP client that lives as long as somebody uses it.
///
/// Requests hold on to the pool that they went out on. When it has been replaced, the last of them lets go of it, and
/// it closes: none is lost on the way.
final class ConnectionPool: Sendable {
    let http: HTTPClient

    init(_ http: HTTPClient) { self.http = http }

    deinit {
        // The client insists on outliving its own shutdown.
        http.shutdown { [http] _ in withExtendedLifetime(http) {} }
    }

    /// Closes all connections; requests under way fail. Further calls do nothing.
    func shutdown() async throws {
        do { try await http.shutdown() } catch let error as HTTPClientError where error == .alreadyShutdown { return }
    }
}

/// What a client has open at one moment. Watches keep to themselves: each occupies a connection.
struct ConnectionPools: Sendable {
    var unary: ConnectionPool
    var watches: ConnectionPool
}
