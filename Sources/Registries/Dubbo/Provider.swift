package import Services

/// A provider that one URL registers.
package struct Provider: Hashable, Sendable {
    /// One for each protocol that it serves at its port, the URL's own first.
    package var services: [ServiceID]
    package var instance: Instance
    /// The protocols at the same port that are not carried into the mesh.
    package var otherProtocols: [String]

    package init(services: [ServiceID], instance: Instance, otherProtocols: [String] = []) {
        self.services = services
        self.instance = instance
        self.otherProtocols = otherProtocols
    }
}

/// A provider that can't be carried into the mesh.
package struct UnusableProvider: Hashable, Sendable {
    package var reason: String
    /// The protocols that it serves, where the reason is that none of them is carried.
    package var protocols: [String] = []
    /// Where it serves; `nil` where that is unknown or makes no difference.
    package var endpoint: Endpoint?
    /// Whether it is known what it is, so that it can't be a provider that was carried before: it speaks another
    /// protocol, or no consumer can reach its address.
    package var isUnderstood = false
}

// MARK: - What is left out

extension Provider {
    package var leftOut: Set<UnreadRegistrations.Sort> { Set(otherProtocols.map { .ofProtocol($0) }) }
}

extension UnusableProvider {
    package var leftOut: Set<UnreadRegistrations.Sort> {
        protocols.isEmpty ? [.unusable(reason: reason)] : Set(protocols.map { .ofProtocol($0) })
    }
}
