internal import AsyncHTTPClient

/// An HTTP client that closes when its last user releases it.
///
/// A request holds the pool that it uses. A replaced pool therefore closes after its last request, and no request is
/// lost.
final class ConnectionPool: Sendable {
    let http: HTTPClient

    init(_ http: HTTPClient) { self.http = http }

    deinit {
        // The HTTP client must live until its shutdown is complete.
        http.shutdown { [http] _ in withExtendedLifetime(http) {} }
    }

    /// Closes all connections. Requests under way fail. A second call does nothing.
    func shutdown() async throws {
        do { try await http.shutdown() } catch let error as HTTPClientError where error == .alreadyShutdown { return }
    }
}

/// The pools that a client uses at one moment. Watches have a pool of their own, since each occupies a connection.
struct ConnectionPools: Sendable {
    var unary: ConnectionPool
    var watches: ConnectionPool
}
