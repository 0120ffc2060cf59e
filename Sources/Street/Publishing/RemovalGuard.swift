package import Catalog
package import IstioAPI

/// Decides which published objects that are no longer published may go: a configuration centre that loses much at once
/// looks broken. The rules are those of a registry's instances (`GuardPolicy`), counted in objects. A pure state machine.
package struct RemovalGuard: Sendable {
    /// Why objects are held.
    package enum Cause: Sendable, Hashable {
        /// Many objects were gone within a short time.
        case loss
        /// A complete answer had no document at all.
        case emptyAnswer
    }

    package struct Hold: Sendable {
        package var cause: Cause
        package var since: Duration
        /// The number of objects before the loss.
        package var total: Int
        /// Since when the complete reads agree; monotonic. `nil` while the centre can't be read.
        var agreedSince: Duration?
    }

    private struct Removed {
        var time: Duration
        var manifest: Manifest?
    }

    /// So many objects may always go.
    private static let few = 3
    /// A loss of more than this share, in percent, ends by the objects' return or by an operator only.
    private static let operatorPercent = 50

    private let policy: GuardPolicy?
    /// Objects that stay for now, with their content where that is known.
    private var kept: [ResourceKey: Manifest?] = [:]
    /// When those are judged that wait; monotonic.
    private var judgement: Duration?
    private var removed: [ResourceKey: Removed] = [:]
    package private(set) var hold: Hold?

    package init(_ policy: GuardPolicy?) {
        self.policy = policy
    }

    /// What is to happen to objects.
    package struct Verdict: Sendable, Hashable {
        /// They go.
        package var gone: Set<ResourceKey> = []
        /// They come back, or are held from now on.
        package var held: Set<ResourceKey> = []
        package var holdBegins = false
        package var holdEnds = false
    }
}

extension RemovalGuard {
    package var heldKeys: [ResourceKey] { hold == nil ? [] : kept.keys.sorted() }

    /// Whether an object that is not published stays, and as what; the inner `nil` where its content is not known.
    package func keeps(_ key: ResourceKey) -> Manifest?? { kept[key] }

    /// When `wake` is to be called; monotonic.
    package var nextWake: Duration? { judgement }

    /// Objects are no longer published.
    /// - Parameters:
    ///   - isEmptyAnswer: Whether a complete answer had no document.
    ///   - standing: The number of objects that are still published.
    package mutating func lost(
        _ objects: [ResourceKey: Manifest?], isEmptyAnswer: Bool = false, standing: Int, now: Duration
    ) -> Verdict {
        if objects.isEmpty { return Verdict() }
        guard let policy else { return Verdict(gone: Set(objects.keys)) }
        kept.merge(objects) { $1 ?? $0 }
        if hold != nil { return Verdict(held: Set(objects.keys)) }
        if isEmptyAnswer { return begin(.emptyAnswer, standing: standing, now: now) }
        judgement = judgement ?? now + policy.settle
        return Verdict()
    }

    /// An object is published again.
    package mutating func returned(_ key: ResourceKey) -> Verdict {
        removed[key] = nil
        guard kept.removeValue(forKey: key) != nil, kept.isEmpty else { return Verdict() }
        judgement = nil
        return end()
    }

    /// Judges the objects that have waited.
    package mutating func wake(standing: Int, now: Duration) -> Verdict {
        guard let policy, let judgement, judgement <= now, hold == nil else { return Verdict() }
        self.judgement = nil
        removed = removed.filter { now - $0.value.time < policy.window }
        let loss = kept.count + removed.count
        let total = standing + loss
        let isMost = loss * 100 > total * Self.operatorPercent
        let isMuch = loss > policy.minRemovals && loss * 100 > total * policy.maxRemovalPercent
        if loss > Self.few, isMost || isMuch { return begin(.loss, standing: standing, now: now) }
        let gone = Set(kept.keys)
        for (key, manifest) in kept { removed[key] = Removed(time: now, manifest: manifest) }
        kept = [:]
        return Verdict(gone: gone)
    }

    /// A complete read shows the same as before.
    package mutating func agreed(now: Duration) -> Verdict {
        guard let policy, let hold, hold.cause == .loss, kept.count * 100 <= hold.total * Self.operatorPercent else {
            return Verdict()
        }
        let since = hold.agreedSince ?? now
        self.hold?.agreedSince = since
        return now - since >= policy.holdFor ? release() : Verdict()
    }

    /// The centre can't be read.
    package mutating func interrupted() { hold?.agreedSince = nil }

    /// Lets everything go that is held.
    package mutating func release() -> Verdict {
        guard hold != nil else { return Verdict() }
        defer { kept = [:] }
        var verdict = end()
        verdict.gone = Set(kept.keys)
        return verdict
    }

    /// What went within the window comes back.
    private mutating func begin(_ cause: Cause, standing: Int, now: Duration) -> Verdict {
        judgement = nil
        for (key, object) in removed { kept[key] = .some(object.manifest) }
        removed = [:]
        hold = Hold(cause: cause, since: now, total: standing + kept.count)
        return Verdict(held: Set(kept.keys), holdBegins: true)
    }

    private mutating func end() -> Verdict {
        defer { hold = nil }
        return Verdict(holdEnds: hold != nil)
    }
}
