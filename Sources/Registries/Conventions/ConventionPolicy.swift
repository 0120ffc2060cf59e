internal import IstioAPI
package import Services

/// What the configuration says of instances whose framework says too little.
package struct ConventionPolicy: Hashable, Sendable {
    /// The key of the metadata that names an instance's protocol.
    package var protocolKey = "protocol"
    /// The protocol of an instance that neither names one nor follows a known convention.
    package var standardProtocol = PortProtocol.http
    /// The protocols that an instance may name.
    package var protocols: [ProtocolDefaults]
    /// The weight of an instance to which nobody gave one, in the registry's own terms.
    package var standardWeight: UInt32

    package init(protocols: [ProtocolDefaults], standardWeight: UInt32) {
        self.protocols = protocols
        self.standardWeight = standardWeight
    }
}
