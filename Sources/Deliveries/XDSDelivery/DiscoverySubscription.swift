package import IstioAPI

/// What one stream knows of one type.
package struct DiscoverySubscription: Sendable, Hashable {
    package enum State: Sendable, Hashable {
        /// The type is ours, and nothing can be said of it yet.
        case silent
        /// A response waits for its answer.
        case sent(Sent)
        /// The next response goes at this time at the earliest.
        case resting(until: Duration)
        /// The type is not ours, and has its empty answer.
        case answeredOnce
    }

    package struct Sent: Sendable, Hashable {
        package var version: String
        package var nonce: String
        package var time: Duration
    }

    package struct Acknowledged: Sendable, Hashable {
        package var version: String
        package var latency: Duration
    }

    /// `nil` for a type that is not ours.
    package let kind: ResourceKind?
    package internal(set) var state: State
    /// The version of the last response.
    package internal(set) var lastVersion: String?
    package internal(set) var acknowledged: Acknowledged?
    /// Why istiod refused the last response; `nil` where it took it.
    package internal(set) var refusal: String?
}
