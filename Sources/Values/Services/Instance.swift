/// One endpoint of a service: a port on which a process serves it. The protocol is the service's.
///
/// There may be a million instances. The order of the members leaves no gaps, and instances share their traits.
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

    /// The weight of an instance that has its format's default weight.
    package static let defaultWeight: UInt32 = 100

    package var host: InstanceHost
    package var port: UInt16
    /// Its place among the registrations of one endpoint in one registry: a later registration has a higher number.
    /// The last one describes the endpoint.
    package var succession: UInt16
    /// Whether its owner wants traffic to it.
    package var isEnabled: Bool
    /// Whether the registry's checks of it pass.
    package var isHealthy: Bool
    /// The share of traffic relative to the other instances: 100 × the weight in the registry ÷ the format's default.
    package var weight: UInt32
    package var traits: InstanceTraits

    /// Whether it should get traffic. An endpoint of an instance that should not is left out.
    package var wantsTraffic: Bool { isEnabled && isHealthy && weight > 0 }

    package init(
        host: InstanceHost, port: UInt16, weight: UInt32 = Instance.defaultWeight,
        isEnabled: Bool = true, isHealthy: Bool = true, traits: InstanceTraits, succession: UInt16 = 0
    ) {
        self.host = host
        self.port = port
        self.weight = weight
        self.isEnabled = isEnabled
        self.isHealthy = isHealthy
        self.traits = traits
        self.succession = succession
    }

    package init(
        host: InstanceHost, port: UInt16, weight: UInt32 = Instance.defaultWeight,
        isEnabled: Bool = true, isHealthy: Bool = true, application: String = "", attributes: [Attribute] = [],
        locality: Locality = .unknown, succession: UInt16 = 0
    ) {
        let hasTraits = !application.isEmpty || !attributes.isEmpty || locality != .unknown
        self.init(
            host: host, port: port, weight: weight, isEnabled: isEnabled, isHealthy: isHealthy,
            traits: hasTraits
                ? InstanceTraits(application: application, attributes: attributes, locality: locality) : .none,
            succession: succession)
    }

    /// The same instance at another place among the registrations of its endpoint.
    package func at(_ succession: UInt16) -> Instance {
        var instance = self
        instance.succession = succession
        return instance
    }

    /// The name of the application that runs it; empty when unknown.
    package var application: String {
        get { traits.application }
        set { traits = InstanceTraits(application: newValue, attributes: attributes, locality: locality) }
    }

    /// The attributes that the registry states and the configuration keeps, sorted by key.
    package var attributes: [Attribute] {
        get { traits.attributes }
        set { traits = InstanceTraits(application: application, attributes: newValue, locality: locality) }
    }

    package var locality: Locality {
        get { traits.locality }
        set { traits = InstanceTraits(application: application, attributes: attributes, locality: newValue) }
    }
}
