package import IstioAPI
package import JSON

/// The moves of services between the two forms of their endpoints, in one cluster.
///
/// istiod follows ServiceEntries and WorkloadEntries by two watches that nothing keeps in step, and must never see a
/// service without the endpoints it has. Out of the ServiceEntry: when the WorkloadEntries of all that it shows are
/// there, our own watch has shown them and they have had a time to settle, one write drops the endpoints and sets the
/// selector. Back: one write of the ServiceEntry, and when the watch has shown it and it has had that time, the
/// WorkloadEntries may go. A one-shot reconcile keeps the same order (`EndpointOrder`).
///
/// A pure state machine.
package struct EndpointMoves: Sendable {
    package enum Step: Sendable, Hashable {
        /// How the resource should be now, and when to look again.
        case deliver(Resource?, again: Duration?)
        /// Nothing can be done now.
        case leave(again: Duration)
    }

    package let settleTime: Duration
    /// Since when the WorkloadEntries of a service are there that is still inline, of all endpoints that it shows.
    private var settling: [ResourceKey: Duration] = [:]
    /// When a service on its way may be looked at again: a look costs in proportion to its size, and so does a write of
    /// it.
    private var nextLook: [ResourceKey: Duration] = [:]
    /// Since when a service is seen inline whose WorkloadEntries are to go.
    private var inlineSince: [ResourceKey: Duration] = [:]
    /// Since when that is waited for.
    private var awaitedSince: [ResourceKey: Duration] = [:]

    package init(settleTime: Duration) {
        self.settleTime = settleTime
    }

    /// How long all goes on before a move that didn't come to its end begins anew.
    private var patience: Duration { max(settleTime * 10, .seconds(1)) }
    private var interval: Duration { max(settleTime / 2, .milliseconds(50)) }

    /// - Parameters:
    ///   - desired: The ServiceEntry as it should be in the end.
    ///   - actual: The `spec` that the cluster has.
    ///   - isAvailable: Whether WorkloadEntries can be written at all.
    ///   - shownSince: Since when the watch shows a WorkloadEntry; `nil` where it doesn't.
    package mutating func step(
        to desired: ServiceEntry, from actual: JSONValue?, isAvailable: Bool, now: Duration,
        shownSince: (ResourceKey) -> Duration?
    ) -> Step {
        if desired.isInline {
            // Since this write, at the earliest.
            if actual?["workloadSelector"] != nil { inlineSince[desired.key] = nil }
            return deliver(desired)
        }
        guard isAvailable else {
            let inline = desired.inlined
            settling[desired.key] = nil
            nextLook[desired.key] = nil
            return inline.violations.isEmpty
                ? .deliver(.serviceEntry(inline), again: nil) : .leave(again: .seconds(30))
        }
        guard let actual, actual["workloadSelector"] == nil else { return deliver(desired.selecting) }
        if let delay = delay(beforeLookAt: desired.key, now: now) { return .leave(again: delay) }

        // What istiod doesn't see yet, it can't lose.
        var latest: Duration? = .zero
        let visible = Set((actual["endpoints"]?.array ?? []).compactMap(EndpointPlace.init))
        var kept: [ServiceEntry.Endpoint] = []
        for endpoint in desired.endpoints where visible.contains(EndpointPlace(endpoint)) {
            kept.append(endpoint)
            let since = shownSince(desired.workloadKey(of: endpoint))
            latest = latest.flatMap { latest in since.map { max(latest, $0) } }
        }
        let step = move(desired, keeping: kept, showsAny: !visible.isEmpty, latest: latest, now: now)
        switch step {
        case .deliver(_, let again?), .leave(let again): nextLook[desired.key] = now + again
        case .deliver(_, nil): nextLook[desired.key] = nil
        }
        return step
    }

    /// Whether a service is on its way from one form to the other.
    package func isMoving(_ service: ResourceKey) -> Bool { settling[service] != nil || nextLook[service] != nil }

    /// How long a service on its way has to be left alone.
    package func delay(beforeLookAt service: ResourceKey, now: Duration) -> Duration? {
        nextLook[service].flatMap { now < $0 ? $0 - now : nil }
    }

    /// Somebody else may have moved services meanwhile.
    package mutating func restart() {
        self = EndpointMoves(settleTime: settleTime)
    }

    /// A service is gone, on its way or not.
    package mutating func forget(_ service: ResourceKey) {
        settling[service] = nil
        nextLook[service] = nil
        inlineSince[service] = nil
        awaitedSince[service] = nil
    }

    /// - Parameters:
    ///   - kept: Those endpoints that istiod sees in the ServiceEntry and that are still wanted.
    ///   - showsAny: Whether it sees any there, wanted or not.
    ///   - latest: When the last WorkloadEntry of these was shown; `nil` while one is not.
    private mutating func move(
        _ desired: ServiceEntry, keeping kept: [ServiceEntry.Endpoint], showsAny: Bool, latest: Duration?, now: Duration
    ) -> Step {
        let key = desired.key
        var inline = desired.inlined
        let fits = inline.violations.isEmpty
        // Who shows nothing has nothing to lose.
        if !showsAny, !fits { return deliver(desired.selecting) }
        // Where most was replaced meanwhile, what came must not wait.
        let mayWait = !fits || kept.count * 2 >= desired.endpoints.count
        if let since = settling[key], now - since > patience || !mayWait { settling[key] = nil }
        if settling[key] == nil, latest != nil, mayWait { settling[key] = now }
        var again = interval
        if let since = settling[key] {
            if let latest {
                let due = max(since, latest) + settleTime
                if due <= now { return deliver(desired.selecting) }
                again = min(due - now, interval)
            }
        } else if fits {
            return .deliver(.serviceEntry(inline), again: again)
        }
        // What left goes. What came would put off the end of the move if it were shown here, and will be shown by it.
        inline.endpoints = kept
        let isOfUse = !kept.isEmpty || desired.endpoints.isEmpty
        return isOfUse && inline.violations.isEmpty
            ? .deliver(.serviceEntry(inline), again: again) : .leave(again: again)
    }

    private mutating func deliver(_ entry: ServiceEntry) -> Step {
        settling[entry.key] = nil
        nextLook[entry.key] = nil
        if !entry.isInline {
            inlineSince[entry.key] = nil
            awaitedSince[entry.key] = nil
        }
        return .deliver(.serviceEntry(entry), again: nil)
    }

    /// How long a WorkloadEntry has to stay that nobody wants any more, where its service is wanted inline.
    /// - Parameters:
    ///   - isInline: Whether the cluster has the service so; `nil` while nobody knows.
    ///   - isEchoed: Whether the watch has shown all that is known of it.
    package mutating func delay(
        beforeDeletionFor service: ResourceKey, isInline: Bool?, isEchoed: Bool, now: Duration
    ) -> Duration? {
        if isInline == false { inlineSince[service] = nil }
        guard isInline == true, isEchoed || inlineSince[service] != nil else {
            let since = awaitedSince[service] ?? now
            awaitedSince[service] = since
            // An entry that is refused may take for ever, and each of thousands waits for it.
            return min(max(now - since, interval), .seconds(30))
        }
        awaitedSince[service] = nil
        if inlineSince[service] == nil {
            inlineSince = inlineSince.filter { now - $0.value < patience }
            inlineSince[service] = now
        }
        let due = (inlineSince[service] ?? now) + settleTime
        return due <= now ? nil : due - now
    }
}
