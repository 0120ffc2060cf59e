/// One watch, without any I/O: answers go in, what they mean comes out.
struct WatchState: Sendable {
    private enum State {
        case creating
        case open
        case ended
    }

    private var state = State.creating
    /// The first revision that is not told yet.
    private(set) var nextRevision: Int64
    /// The events of a revision of which more follow.
    private var fragments: [EtcdEvent] = []

    /// More events of one revision than these end the watch. A transaction has 128 operations unless a server says
    /// otherwise.
    static let fragmentLimit = 1 << 20

    init(startRevision: Int64) {
        nextRevision = startRevision
    }

    mutating func received(_ response: WatchResponse) -> EtcdWatchOutcome? {
        switch state {
        case .ended: return nil
        case .creating:
            guard response.isCreated else { return end(EtcdError(.malformedReply)) }
            if response.isCanceled { return end(EtcdError(cancelReason: response.cancelReason)) }
            // A server that was restored would let the watch wait until it gets as far again.
            if response.header.revision < nextRevision - 1 { return end(EtcdError(.futureRevision)) }
            state = .open
            return .created
        case .open:
            if response.isCanceled || response.compactRevision > 0 {
                return end(
                    response.compactRevision > 0
                        ? EtcdError(.compacted) : EtcdError(cancelReason: response.cancelReason))
            }
            return changed(response)
        }
    }

    private mutating func changed(_ response: WatchResponse) -> EtcdWatchOutcome? {
        fragments += response.events
        if response.isFragment {
            return fragments.count > Self.fragmentLimit
                ? end(EtcdError(.failed, "one revision has more than \(Self.fragmentLimit) events")) : nil
        }
        let events = fragments.filter { $0.entry.revision >= nextRevision }
        fragments = []
        guard let last = events.last else { return nil }
        nextRevision = last.entry.revision + 1
        return .changed(events)
    }

    private mutating func end(_ error: EtcdError) -> EtcdWatchOutcome {
        state = .ended
        fragments = []
        return .ended(error)
    }

    /// The stream ended.
    mutating func closed(_ error: EtcdError) -> EtcdWatchOutcome? {
        if case .ended = state { nil } else { end(error) }
    }
}

/// What a watch tells.
package enum EtcdWatchOutcome: Hashable, Sendable {
    case created
    /// In the order of their revisions.
    case changed([EtcdEvent])
    /// Nothing follows.
    case ended(EtcdError)
}
