/// The protocol of a port, as Istio knows it (`istio/pkg/config/protocol`).
package enum IstioProtocol: String, Hashable, Sendable, CaseIterable {
    case tcp = "TCP"
    case udp = "UDP"
    case http = "HTTP"
    case httpProxy = "HTTP_PROXY"
    case http2 = "HTTP2"
    case grpc = "GRPC"
    case grpcWeb = "GRPC-WEB"
    case tls = "TLS"
    case https = "HTTPS"
    case mongo = "MONGO"
    case mysql = "MYSQL"
    case redis = "REDIS"

    /// Reads a name in any case, as istiod does. `nil` for a name that istiod doesn't know: a sidecar then looks at the
    /// first bytes of a connection.
    package init?(anyCase text: String) {
        self.init(rawValue: text.uppercased())
    }

    /// The beginning of a port's name from which istiod reads the protocol.
    package var portNamePrefix: String { rawValue.lowercased() }

    /// Whether a sidecar routes by authority.
    package var isHTTP: Bool {
        switch self {
        case .http, .httpProxy, .http2, .grpc, .grpcWeb: true
        default: false
        }
    }

    package var isHTTP2: Bool {
        switch self {
        case .http2, .grpc, .grpcWeb: true
        default: false
        }
    }

    /// Whether a sidecar can tell the hosts of one address apart by SNI.
    package var isTLS: Bool { self == .https || self == .tls }
}
