package import IstioAPI

/// A resource that can't be delivered as it should be.
package struct Trouble: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The other side, or the rules of ownership, refuse it.
        case refused
        /// It could not be written.
        case failed
        /// Somebody else keeps changing it.
        case contested
    }

    package var key: ResourceKey
    package var kind: Kind
    package var reason: String
    /// How long it has been so, on a monotonic clock.
    package var age: Duration
    /// `nil` while it is being tried.
    package var retryIn: Duration?

    package init(key: ResourceKey, kind: Kind, reason: String, age: Duration, retryIn: Duration?) {
        self.key = key
        self.kind = kind
        self.reason = reason
        self.age = age
        self.retryIn = retryIn
    }
}

/// What keeps a delivery as a whole from working.
package struct Obstacle: Sendable, Hashable {
    package var reason: String
    /// How long it has been so, on a monotonic clock.
    package var age: Duration

    package init(reason: String, age: Duration) {
        self.reason = reason
        self.age = age
    }
}
