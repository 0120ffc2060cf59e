/// One endpoint of a service: a port on which a process serves it.
///
/// There may be a million of them: the members stand in an order that leaves no gaps, and what is long is shared.
package struct Instance: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable, Comparable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }

        package static func < (left: Attribute, right: Attribute) -> Bool {
            (left.key, left.value) < (right.key, right.value)
        }
    }

    package static let defaultWeight: UInt32 = 100

    package var host: InstanceHost
    package var port: UInt16
    package var `protocol`: PortProtocol
    /// Whether it wants traffic at all; an instance that is disabled or has weight 0 does not.
    package var isEnabled: Bool
    /// The share of traffic relative to its siblings.
    package var weight: UInt32
    /// Its application and attributes.
    package var traits: InstanceTraits
    /// When it started, in milliseconds since 1970 by its own clock; 0 when unknown. Only tells newer from older.
    package var startTime: Int64

    package init(
        host: InstanceHost, port: UInt16, protocol: PortProtocol, weight: UInt32 = Instance.defaultWeight,
        isEnabled: Bool = true, traits: InstanceTraits, startTime: Int64 = 0
    ) {
        self.host = host
        self.port = port
        self.protocol = `protocol`
        self.weight = weight
        self.isEnabled = isEnabled
        self.traits = traits
        self.startTime = startTime
    }

    package init(
        host: InstanceHost, port: UInt16, protocol: PortProtocol, weight: UInt32 = Instance.defaultWeight,
        isEnabled: Bool = true, application: String = "", attributes: [Attribute] = [], startTime: Int64 = 0
    ) {
        let hasTraits = !application.isEmpty || !attributes.isEmpty
        self.init(
            host: host, port: port, protocol: `protocol`, weight: weight, isEnabled: isEnabled,
            traits: hasTraits ? InstanceTraits(application: application, attributes: attributes) : .none,
            startTime: startTime)
    }

    /// The name of the application that runs it; empty when unknown.
    package var application: String {
        get { traits.application }
        set { traits = InstanceTraits(application: newValue, attributes: attributes) }
    }

    /// What else the registry says and the configuration keeps, sorted by key.
    package var attributes: [Attribute] {
        get { traits.attributes }
        set { traits = InstanceTraits(application: application, attributes: newValue) }
    }
}
