package import Services

/// What a home-made registry means: which keys are instances, and where each of their parts stands.
///
/// The conventions that are widely used are such declarations, too: see `Declaration.presets`.
package struct Declaration: Hashable, Sendable {
    /// What a layout does with an instance of a weight of 0.
    package enum ZeroWeight: String, Hashable, Sendable, CaseIterable {
        case noTraffic
        /// It is as good as no weight.
        case standard = "default"
    }

    /// A key that says something of the instances beside it, such as their weights or a switch.
    package struct Side: Hashable, Sendable {
        /// Its captures `service`, `id` and `address` name the instances, as far as it has them.
        package var key: KeyTemplate
        package var weight: FieldExpression?
        /// Instances are switched off where one doesn't hold.
        package var enabled: [Condition]

        package init(key: KeyTemplate, weight: FieldExpression? = nil, enabled: [Condition] = []) {
            self.key = key
            self.weight = weight
            self.enabled = enabled
        }
    }

    /// A name for what an expression leads to.
    package struct Named: Hashable, Sendable {
        package var name: String
        package var expression: FieldExpression

        package init(_ name: String, _ expression: FieldExpression) {
            self.name = name
            self.expression = expression
        }
    }

    /// The name of the preset, or the user's.
    package var name: String
    /// All keys begin with it. The template is of what follows.
    package var root: String
    package var key: KeyTemplate
    /// The steps from the bytes of an entry to its value.
    package var value: [Decoding] = []
    /// The list whose elements are instances; `nil` where the entry is one.
    package var endpoints: FieldExpression?

    /// The service's name.
    package var service: FieldExpression = "key.service"
    /// `host`, or `host:port` where no other field has the port.
    package var address: FieldExpression = "address"
    package var port: FieldExpression?
    /// A further port, on which the instance serves the same with TLS.
    package var tlsPort: FieldExpression?
    /// Whether the instance serves with TLS: `true` or `1`.
    package var tls: FieldExpression?
    /// The name of the protocol in the registry.
    package var protocolField: FieldExpression?
    /// The protocol where no field names one.
    package var standardProtocol: PortProtocol = .tcp
    /// The protocols of names that are not Istio's.
    package var protocols: [String: PortProtocol] = [:]
    package var weight: FieldExpression?
    package var standardWeight: UInt32 = 1
    package var zeroWeight = ZeroWeight.noTraffic
    package var application: FieldExpression?
    package var version: FieldExpression?
    /// Objects whose members are attributes.
    package var labelMaps: [FieldExpression] = []
    package var labels: [Named] = []
    /// What tells services of one name apart.
    package var qualifiers: [Named] = []
    /// The values of qualifiers that say nothing.
    package var standardQualifiers: [String: String] = [:]

    /// An entry, or an element of its list, is an instance where all of them hold.
    package var conditions: [Condition] = []
    /// An instance gets traffic where all of them hold.
    package var enabled: [Condition] = []
    /// Whether entries count that outlive their owner.
    package var takesLasting = true
    package var sides: [Side] = []

    package init(name: String, root: String, key: KeyTemplate) {
        self.name = name
        self.root = root
        self.key = key
    }
}
