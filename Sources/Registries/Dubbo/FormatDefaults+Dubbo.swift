internal import IstioAPI
package import Services

extension PortProtocol {
    /// Dubbo's own protocol on TCP.
    package static let dubbo = PortProtocol("dubbo", .tcp)
    /// Triple, which is gRPC to a mesh.
    package static let tri = PortProtocol("tri", .grpc)
    package static let rest = PortProtocol("rest", .http)
}

extension FormatDefaults {
    package static let dubbo = FormatDefaults(
        protocols: [
            ProtocolDefaults(.dubbo, scheme: "dubbo", port: 20880, isPlain: true),
            ProtocolDefaults(.tri, scheme: "tri", port: 50051),
            ProtocolDefaults(.rest, scheme: "rest", port: 80),
            ProtocolDefaults(.grpc, scheme: "grpc", port: 50051),
        ],
        weight: 100,
        labels: ["version", "dubbo.tag", "region", "zone"],
        qualifiers: [ServiceID.Key.version: "0.0.0"])
}
