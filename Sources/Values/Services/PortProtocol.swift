package import IstioAPI

/// The protocol of a service: the name that its users give it, and what it is to Istio.
///
/// Formats and the configuration name protocols. A registry can't bring its own.
package struct PortProtocol: Hashable, Sendable {
    package let name: String
    package let istioProtocol: IstioProtocol

    /// - Parameter name: A DNS label, such as `tri`.
    package init(_ name: String, _ istioProtocol: IstioProtocol) {
        self.name = name
        self.istioProtocol = istioProtocol
    }

    /// The name of a service's port. istiod reads the protocol from its beginning: `tcp-dubbo`, `grpc`.
    package var portName: String {
        let prefix = istioProtocol.portNamePrefix
        return name == prefix ? name : "\(prefix)-\(name)"
    }
}

extension PortProtocol: Comparable {
    package static func < (left: PortProtocol, right: PortProtocol) -> Bool {
        (left.name, left.istioProtocol.rawValue) < (right.name, right.istioProtocol.rawValue)
    }
}

extension PortProtocol: CustomStringConvertible {
    package var description: String { name }
}

// MARK: - The protocols that Istio knows

extension PortProtocol {
    package static let grpc = PortProtocol("grpc", .grpc)
    package static let http = PortProtocol("http", .http)
    package static let http2 = PortProtocol("http2", .http2)
    package static let https = PortProtocol("https", .https)
    package static let mongo = PortProtocol("mongo", .mongo)
    package static let mysql = PortProtocol("mysql", .mysql)
    package static let redis = PortProtocol("redis", .redis)
    package static let tcp = PortProtocol("tcp", .tcp)
    package static let tls = PortProtocol("tls", .tls)
}
