internal import Deliveries
internal import Synchronization

/// What keeps istiod from being served as it should be.
final class ServingCondition: Sendable {
    enum Part: Int, Comparable {
        /// Nobody can connect.
        case listening
        /// Nothing can be said yet.
        case waiting
        /// A restart would not find what istiod was given.
        case state

        static func < (left: Part, right: Part) -> Bool { left.rawValue < right.rawValue }
    }

    private let parts = Mutex<[Part: (reason: String, since: Duration)]>([:])

    /// - Parameter reason: `nil` when that is over.
    func note(_ part: Part, _ reason: String?, now: Duration) {
        parts.withLock { parts in parts[part] = reason.map { ($0, parts[part]?.since ?? now) } }
    }

    /// The one that matters most.
    func current(now: Duration) -> DeliveryCondition? {
        parts.withLock { parts in
            parts.min { $0.key < $1.key }.map {
                DeliveryCondition(reason: $0.value.reason, age: now - $0.value.since)
            }
        }
    }
}
