package import Services

/// A key with its content, as a registry keeps it.
package struct DeclaredEntry: Hashable, Sendable {
    package var key: String
    package var value: [UInt8]
    /// Whether it goes with its owner: an ephemeral znode, a key with a lease.
    package var isEphemeral: Bool

    package init(key: String, value: [UInt8], isEphemeral: Bool = true) {
        self.key = key
        self.value = value
        self.isEphemeral = isEphemeral
    }
}

/// The meaning of an entry.
package enum DeclaredMeaning: Hashable, Sendable {
    /// One service and one instance for each port that serves consumers; none where the entry stands for no instance.
    case instances([DeclaredInstance])
    /// - service: The name of the service that it would be of, if the key tells.
    case unusable(service: String?, reason: String)
    /// It says something of the instances beside it.
    case side(DeclaredSide)
    /// The layout has no such key.
    case unrelated
}

package struct DeclaredInstance: Hashable, Sendable {
    package var service: ServiceID
    package var instance: Instance
    /// The captures of its key, by which sides find it.
    package var captures: [String: String]
}

/// What an entry says of the instances beside it.
package struct DeclaredSide: Hashable, Sendable {
    /// The captures that an instance must have too.
    package var captures: [String: String]
    /// In the terms of `Instance.weight`; `nil` where it says nothing of it.
    package var weight: UInt32?
    package var isEnabled: Bool

    /// Whether it is about the instance.
    func concerns(_ instance: DeclaredInstance) -> Bool {
        captures.allSatisfy { name, value in
            if name == "address" {
                let place = HostAndPort(value[...])
                return place.host == instance.instance.host.description
                    && place.port.map { $0 == "\(instance.instance.port)" } ?? true
            }
            return instance.captures[name] == value
        }
    }
}
