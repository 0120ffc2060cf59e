/// Resources that have one failure.
package struct FailureGroupStatus: Sendable, Hashable {
    package var kind: FailureStatus.Kind
    package var reason: String
    package var count: Int
    /// Some of them, as `namespace/name`.
    package var resources: [String]
    /// How long the first of them has been in failure.
    package var age: Duration
    /// The time until the next attempt of one of them; `nil` where only a change leads to one.
    package var retryIn: Duration?

    package init(
        kind: FailureStatus.Kind, reason: String, count: Int, resources: [String], age: Duration,
        retryIn: Duration? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.count = count
        self.resources = resources
        self.age = age
        self.retryIn = retryIn
    }
}

extension FailureGroupStatus: Codable {
    private struct Document: Codable {
        var kind: FailureStatus.Kind
        var reason: String
        var count: Int
        var resources: [String]
        var age: Seconds
        var retryIn: Seconds?
    }

    package init(from decoder: any Decoder) throws {
        let document = try Document(from: decoder)
        self.init(
            kind: document.kind, reason: document.reason, count: document.count, resources: document.resources,
            age: document.age.duration, retryIn: document.retryIn?.duration)
    }

    package func encode(to encoder: any Encoder) throws {
        let document = Document(
            kind: kind, reason: reason, count: count, resources: resources, age: Seconds(age),
            retryIn: retryIn.map(Seconds.init))
        try document.encode(to: encoder)
    }
}
