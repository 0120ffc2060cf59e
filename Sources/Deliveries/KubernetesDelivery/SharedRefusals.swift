internal import Concurrency
package import IstioAPI

/// Writes that are refused for a reason outside of the objects, such as an admission webhook that is away.
///
/// A pure state machine. The refused objects wait. One of them, the probe, is written again with backoff. When a
/// refused object is written, all others go on at once. An object that was not refused yet never waits: the reason may
/// concern some objects only.
package struct SharedRefusals: Sendable {
    private struct Refusal {
        var waiting: Set<ResourceKey>
        var probe: ResourceKey
        var backoff: Backoff
    }

    /// How long a refused object waits.
    package struct Delay: Sendable, Hashable {
        package var duration: Duration
        /// Whether the object is the first that is refused.
        package var isNews: Bool
    }

    /// A probe is one small request, and all wait for its success.
    private static let backoff = Backoff(from: .seconds(1), to: .seconds(5))
    /// How long an object waits that nothing releases.
    private static let longestWait = Duration.seconds(300)

    private var refusals: [ResourceKind: Refusal] = [:]

    package init() {}

    package func isRefusing(_ kind: ResourceKind) -> Bool { refusals[kind] != nil }

    package mutating func refused(_ key: ResourceKey) -> Delay {
        let isNews = refusals[key.kind] == nil
        var refusal = refusals[key.kind] ?? Refusal(waiting: [], probe: key, backoff: Self.backoff)
        refusal.waiting.insert(key)
        let delay = key == refusal.probe ? refusal.backoff.next() : Self.longestWait
        refusals[key.kind] = refusal
        return Delay(duration: delay, isNews: isNews)
    }

    /// An object was written.
    /// - Returns: The others that go on; `nil` where the object did not wait.
    package mutating func written(_ key: ResourceKey) -> Set<ResourceKey>? {
        guard var refusal = refusals[key.kind], refusal.waiting.remove(key) != nil else { return nil }
        refusals[key.kind] = nil
        return refusal.waiting
    }

    /// An object is no longer wanted.
    /// - Returns: The object that is the probe from now on, where that is another one.
    package mutating func forget(_ key: ResourceKey) -> ResourceKey? {
        guard var refusal = refusals[key.kind], refusal.waiting.remove(key) != nil else { return nil }
        guard let next = refusal.waiting.min() else {
            refusals[key.kind] = nil
            return nil
        }
        defer { refusals[key.kind] = refusal }
        guard key == refusal.probe else { return nil }
        refusal.probe = next
        return next
    }
}
