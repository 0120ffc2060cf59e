/// An instance as a registry of applications keeps it: an address and texts.
///
/// Nacos, Consul and Eureka keep instances like this. The texts are the framework's: `ConventionDecoder` knows what
/// they mean.
package struct Registration: Hashable, Sendable {
    /// The name in the registry under which the instance stands.
    package var service: String
    package var host: String
    package var port: Int
    /// As the registry has it. 0 means no traffic.
    package var weight: Double
    /// Whether its owner wants traffic to it.
    package var isEnabled: Bool
    /// Whether the registry's checks of it pass.
    package var isHealthy: Bool
    package var metadata: [String: String]

    package init(
        service: String, host: String, port: Int, weight: Double, isEnabled: Bool = true, isHealthy: Bool = true,
        metadata: [String: String] = [:]
    ) {
        self.service = service
        self.host = host
        self.port = port
        self.weight = weight
        self.isEnabled = isEnabled
        self.isHealthy = isHealthy
        self.metadata = metadata
    }
}
