/// The state of one delivery.
package struct DeliveryStatus: Sendable, Hashable {
    /// Which of several replicas writes.
    package enum Leadership: Sendable, Hashable {
        /// This replica writes; no election is configured.
        case notElected
        /// This replica holds the lease and writes.
        case leading
        /// Another replica writes; its name, where that is known.
        case standby(holder: String?)
    }

    /// What keeps a delivery as a whole from working: the server can't be reached, or a permission is missing.
    package struct Condition: Sendable, Hashable {
        package var reason: String
        package var age: Duration

        package init(reason: String, age: Duration) {
            self.reason = reason
            self.age = age
        }
    }

    /// The number of resources that a status lists.
    package static let failureLimit = 100

    package var name: String
    package var leadership: Leadership
    /// Whether the delivery has listed the objects that are ours, so that decisions can be made.
    package var isSeeded: Bool
    /// The number of resources that wait for a worker.
    package var pending: Int
    package var condition: Condition?
    package var failures: Excerpt<FailureStatus>
    /// All failures, those together that have one reason; the largest groups first.
    package var failureGroups: [FailureGroupStatus]
    /// What the delivery can't see, and does without.
    package var notes: [String]
    /// Those who fetch the resources, a line each.
    package var clients: [String]

    package init(
        name: String, leadership: Leadership = .notElected, isSeeded: Bool, pending: Int = 0,
        condition: Condition? = nil,
        failures: Excerpt<FailureStatus> = .empty, failureGroups: [FailureGroupStatus] = [], notes: [String] = [],
        clients: [String] = []
    ) {
        self.name = name
        self.leadership = leadership
        self.isSeeded = isSeeded
        self.pending = pending
        self.condition = condition
        self.failures = failures
        self.failureGroups = failureGroups
        self.notes = notes
        self.clients = clients
    }
}

/// A resource that the other side does not have as it should be.
package struct FailureStatus: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, StatusWord {
        /// The other side refuses the resource, or somebody else's object has its name.
        case refused
        /// The write failed.
        case failed
        /// Another writer changes the resource again and again.
        case contested
        /// Somebody else's object has the host.
        case hostTaken
    }

    /// `namespace/name`.
    package var resource: String
    package var kind: Kind
    package var reason: String
    package var age: Duration
    /// The time until the next attempt; `nil` where only a change leads to one.
    package var retryIn: Duration?

    package init(resource: String, kind: Kind, reason: String, age: Duration, retryIn: Duration? = nil) {
        self.resource = resource
        self.kind = kind
        self.reason = reason
        self.age = age
        self.retryIn = retryIn
    }
}

extension DeliveryStatus: Codable {
    private enum Role: String, StatusWord {
        case notElected
        case leading
        case standby
    }

    private struct Document: Codable {
        var name: String
        var leadership: Role
        var leader: String?
        var seeded: Bool
        var pending: Int
        var condition: Condition?
        var failures: [FailureStatus]
        var failureCount: Int
        // An earlier release has none of these.
        var failureGroups: [FailureGroupStatus]?
        var notes: [String]?
        var clients: [String]?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        let leadership: Leadership =
            switch document.leadership {
            case .notElected: .notElected
            case .leading: .leading
            case .standby: .standby(holder: document.leader)
            }
        self.init(
            name: document.name, leadership: leadership, isSeeded: document.seeded, pending: document.pending,
            condition: document.condition, failures: Excerpt(first: document.failures, count: document.failureCount),
            failureGroups: document.failureGroups ?? [], notes: document.notes ?? [], clients: document.clients ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        let (role, leader): (Role, String?) =
            switch leadership {
            case .notElected: (.notElected, nil)
            case .leading: (.leading, nil)
            case .standby(let holder): (.standby, holder)
            }
        let document = Document(
            name: name, leadership: role, leader: leader, seeded: isSeeded, pending: pending, condition: condition,
            failures: failures.first, failureCount: failures.count,
            failureGroups: failureGroups.isEmpty ? nil : failureGroups, notes: notes.isEmpty ? nil : notes,
            clients: clients.isEmpty ? nil : clients)
        try document.encode(to: encoder)
    }
}

extension DeliveryStatus.Condition: Codable {
    private struct Document: Codable {
        var reason: String
        var age: Seconds
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(reason: document.reason, age: document.age.duration)
    }

    package func encode(to encoder: any Encoder) throws {
        try Document(reason: reason, age: Seconds(age)).encode(to: encoder)
    }
}

extension FailureStatus: Codable {
    private struct Document: Codable {
        var resource: String
        var kind: Kind
        var reason: String
        var age: Seconds
        var retryIn: Seconds?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            resource: document.resource, kind: document.kind, reason: document.reason, age: document.age.duration,
            retryIn: document.retryIn?.duration)
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            resource: resource, kind: kind, reason: reason, age: Seconds(age), retryIn: retryIn.map(Seconds.init))
        try document.encode(to: encoder)
    }
}
