package import Addressing

/// The address of one server.
package struct NacosServer: Hashable, Sendable {
    package static let defaultPort = 8848
    /// The distance of the gRPC port from the main port (`nacos.server.grpc.port.offset`).
    package static let grpcOffset = 1_000

    package var address: HostPort
    package var grpcPort: Int

    /// - Parameter grpcPort: `nil` for the port 1,000 above the main one.
    package init(_ address: HostPort, grpcPort: Int? = nil) {
        self.address = address
        self.grpcPort = grpcPort ?? address.port + Self.grpcOffset
    }

    /// Reads `host:port`, or a host alone, which has the port 8848. An IPv6 address needs brackets.
    ///
    /// - Returns: `nil` for any other text, and for a port without room for the gRPC port above it.
    package init?(_ text: String, grpcPort: Int? = nil) {
        guard let address = HostPort(text) ?? HostPort("\(text):\(Self.defaultPort)") else { return nil }
        self.init(address, grpcPort: grpcPort)
        guard (1...65_535).contains(self.grpcPort) else { return nil }
    }
}

extension NacosServer: CustomStringConvertible {
    package var description: String { address.description }
}
