/// The protocol of a port, as Istio knows it (`istio/pkg/config/protocol`).
package enum IstioProtocol: String, Hashable, Sendable, CaseIterable {
    case tcp = "TCP"
    case http = "HTTP"
    case http2 = "HTTP2"
    case grpc = "GRPC"
    case tls = "TLS"
    case https = "HTTPS"
    case mongo = "MONGO"
    case mysql = "MYSQL"
    case redis = "REDIS"

    /// The beginning of a port's name from which istiod reads the protocol.
    package var portNamePrefix: String { rawValue.lowercased() }
}
