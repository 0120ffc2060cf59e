internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// Makes HTTP clients for one API server. Requests of different urgency get clients of their own, so that a stalled
/// connection of one kind never holds up another.
struct HTTPClientFactory {
    let server: ServerURL
    let configuration: ClusterConfiguration
    let tls: TLSConfiguration?
    let connectTimeout: Duration

    /// - Throws: `KubernetesError` with `configuration`.
    init(_ configuration: ClusterConfiguration, connectTimeout: Duration) throws(KubernetesError) {
        server = try ServerURL(configuration.server)
        tls = server.isTLS ? try configuration.tlsConfiguration() : nil
        self.configuration = configuration
        self.connectTimeout = connectTimeout
        if let name = configuration.tlsServerName, (try? SocketAddress(ipAddress: name, port: 0)) != nil {
            throw KubernetesError(
                code: .configuration, message: "tls-server-name '\(name)' is an address; only host names are supported")
        }
    }

    /// - Parameters:
    ///   - connections: how many may be open at once; further requests wait for one.
    ///   - readTimeout: how long a reply may stay silent before its connection is given up.
    func make(connections: Int, readTimeout: Duration? = nil) -> HTTPClient {
        var http = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(connectTimeout), read: readTimeout.map { TimeAmount($0) }),
            decompression: .disabled)
        // A black-holed HTTP/2 connection is never left; one of HTTP/1.1 costs a single timeout.
        http.httpVersion = .http1Only
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // Callers back off themselves, and want to know at once that the server is gone.
        http.connectionPool.retryConnectionEstablishment = false
        if let name = configuration.tlsServerName {
            // URLs name the host to verify; this says where it is.
            http.dnsOverride = [name: server.host]
        }
        return HTTPClient(configuration: http)
    }
}
