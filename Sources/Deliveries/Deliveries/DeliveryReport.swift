package import IstioAPI

/// What a delivery tells of itself.
package struct DeliveryReport: Sendable, Hashable {
    /// How many resources wait for a look or are being looked at. Failing resources, which wait for their next attempt,
    /// are not among them.
    package var pending: Int
    /// The resources that can't be delivered as they should be, the one that fails for the longest time first.
    package var failures: [ResourceFailure]
    /// All that fail, those together that do so for one reason; the largest groups first.
    package var failureGroups: [FailureGroup]
    /// How many resources fail, named or not.
    package var failureCount: Int
    /// What keeps the delivery as a whole from working.
    package var condition: DeliveryCondition?
    /// How replicas share the delivery.
    package var leadership: LeadershipState
    /// What the delivery can't see, and does without.
    package var notes: [String]
    /// Those who fetch the resources, a line each: what they have. Empty where nobody does.
    package var clients: [String]

    package init(
        pending: Int = 0, failures: [ResourceFailure] = [], failureGroups: [FailureGroup] = [], failureCount: Int = 0,
        condition: DeliveryCondition? = nil, leadership: LeadershipState = .notElected, notes: [String] = [],
        clients: [String] = []
    ) {
        self.pending = pending
        self.failures = failures
        self.failureGroups = failureGroups
        self.failureCount = failureCount
        self.condition = condition
        self.leadership = leadership
        self.notes = notes
        self.clients = clients
    }
}

/// A resource that can't be delivered as it should be.
package struct ResourceFailure: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The other side, or the rules of ownership, refuse it.
        case refused
        /// It could not be written.
        case failed
        /// Another writer keeps changing it.
        case fieldConflict
        /// Somebody else's object has the host: it is not created, or stands beside that object.
        case hostTaken
    }

    package var key: ResourceKey
    package var kind: Kind
    package var reason: String
    /// How long the resource has failed, on a monotonic clock.
    package var age: Duration
    /// The delay to the next attempt; `nil` during an attempt.
    package var retryIn: Duration?

    package init(key: ResourceKey, kind: Kind, reason: String, age: Duration, retryIn: Duration?) {
        self.key = key
        self.kind = kind
        self.reason = reason
        self.age = age
        self.retryIn = retryIn
    }
}

/// What keeps a delivery as a whole from working, such as a missing permission.
package struct DeliveryCondition: Sendable, Hashable {
    package var reason: String
    /// How long it has been so, on a monotonic clock.
    package var age: Duration

    package init(reason: String, age: Duration) {
        self.reason = reason
        self.age = age
    }
}
