internal import IstioAPI
internal import Services

/// The metadata that Spring Cloud registers, and grpc-spring-boot beside it. It is the same in every registry.
enum SpringCloud {
    /// `nil` for an instance that did not come from Spring Cloud.
    static func portProtocol(_ metadata: [String: String]) -> PortProtocol? {
        switch metadata["secure"]?.lowercased() {
        case "true": .https
        case "false": .http
        default: metadata["preserved.register.source"] == "SPRING_CLOUD" ? .http : nil
        }
    }

    /// The port at which the application serves gRPC beside its own port.
    static func portOfGRPC(_ metadata: [String: String]) -> UInt16? {
        for key in ["gRPC_port", "gRPC.port"] {
            if let port = metadata[key].flatMap(UInt16.init), port > 0 { return port }
        }
        return nil
    }

    /// Whether the instance is the port of an application's management, which serves no consumer.
    static func isManagement(port: UInt16, _ metadata: [String: String]) -> Bool {
        metadata["management.port"].flatMap(UInt16.init) == port
    }
}
