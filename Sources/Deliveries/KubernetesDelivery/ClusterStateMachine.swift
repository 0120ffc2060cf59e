internal import IstioAPI
internal import Planning

/// What a replica knows of a cluster as a whole, and what it may therefore do. A pure state machine.
///
///     idle ──► listing ──► handing over ──► serving ◄──► standby
///                               ▲                           │ others changed our objects
///                               └───── taking over ◄────────┘ and this replica leads
///
/// The owner asks for the lease, tells of it, and performs the actions.
struct ClusterStateMachine: Sendable {
    /// The complete lists of a round, until each kind has one.
    struct Round: Sendable, Hashable {
        private static let kinds: [ResourceKind] = [.serviceEntry, .workloadEntry]

        var lists: [ResourceKind: [ActualObject]] = [:]
        /// Whether others have changed an object since its kind was listed in this round.
        var isOutdated = false

        static var withoutWorkloads: Round { Round(lists: [.workloadEntry: []]) }

        /// All objects, when each kind was listed.
        var objects: [ActualObject]? {
            lists.count == Self.kinds.count ? lists.values.flatMap(\.self) : nil
        }
    }

    enum State: Sendable, Hashable {
        /// The delivery doesn't run. A one-shot reconcile may have it carry out changes.
        case idle
        /// The first complete lists are awaited. Nothing is known, and nothing is written.
        case listing(Round)
        /// The desired state is told of the lists. Nothing is written before it has heard all.
        case handingOver(Round?, isOutdated: Bool)
        /// This replica writes. There is a round while WorkloadEntries can't be followed.
        case serving(Round?)
        /// Another replica writes, and something may have been left to it.
        /// `isOutdated` says whether others have changed our objects since they were listed.
        case standby(Round?, isOutdated: Bool)
        /// This replica leads and lists what the other one left. Nothing is written before that is known.
        case takingOver(Round)
    }

    /// What the owner does next.
    enum Action: Sendable, Hashable {
        case none
        /// Tell the desired state what was there at the beginning, then call `handedOver`.
        case seed([ActualObject])
        /// Tell the desired state what another replica left, then call `handedOver`.
        case adopt([ActualObject])
        /// List both kinds anew.
        case listAgain
        /// Look at every resource.
        case compare
        /// Look at every resource, and begin moves between endpoint forms anew: another replica may have moved services
        /// meanwhile.
        case compareAnew
    }

    private(set) var state = State.idle
    /// Whether WorkloadEntries are followed, and can be written.
    private(set) var followsWorkloads = false
    private let usesWorkloads: Bool
    private let isElected: Bool
    /// The lists that have begun and are not complete. Outside of the state, so that it grows in place.
    private var incomplete: [ResourceKind: [ActualObject]] = [:]

    /// - Parameters:
    ///   - usesWorkloads: Whether WorkloadEntries may become wanted.
    ///   - isElected: Whether replicas share the cluster.
    init(usesWorkloads: Bool, isElected: Bool) {
        self.usesWorkloads = usesWorkloads
        self.isElected = isElected
    }

    /// Whether others have changed our objects since they were listed, while this replica did not lead.
    var isOutdated: Bool {
        switch state {
        case .idle: false
        case .listing(let round): round.isOutdated
        case .handingOver(_, let isOutdated), .standby(_, let isOutdated): isOutdated
        case .serving: false
        case .takingOver: true
        }
    }

    /// Whether this replica may write, provided that it leads.
    var isServing: Bool { if case .serving = state { true } else { false } }
}

// MARK: - Lists and watches

extension ClusterStateMachine {
    /// The delivery begins to run.
    mutating func begins() {
        state = .listing(Round())
    }

    /// Whether the objects of a list are kept for the desired state.
    private var keepsLists: Bool {
        switch state {
        case .idle: false
        case .listing, .takingOver: true
        case .handingOver(let round, _), .serving(let round), .standby(let round, _): round != nil && isElected
        }
    }

    mutating func listBegins(_ kind: ResourceKind) {
        incomplete[kind] = []
        // An earlier list of the round is older than what the watch has shown since.
        if kind == .workloadEntry, !followsWorkloads { return }
        changeRound { $0.lists[kind] = nil }
    }

    mutating func listed(_ object: ActualObject, _ kind: ResourceKind) {
        if keepsLists { incomplete[kind]?.append(object) }
    }

    /// A kind was listed completely. A list that began before this round doesn't count.
    mutating func listComplete(_ kind: ResourceKind, isLeading: @autoclosure () -> Bool) -> Action {
        guard let objects = incomplete.removeValue(forKey: kind) else { return .none }
        if kind == .workloadEntry { followsWorkloads = true }
        return complete(kind, objects, isLeading: isLeading)
    }

    /// The API server doesn't know WorkloadEntries, or doesn't let us list them. Once they were followed, they are
    /// missed only by a takeover, which can't rely on what was seen of them before.
    mutating func workloadsUnavailable(isLeading: @autoclosure () -> Bool) -> Action {
        if followsWorkloads, !isTakingOver { return .none }
        followsWorkloads = false
        incomplete[.workloadEntry] = nil
        return complete(.workloadEntry, [], isLeading: isLeading)
    }

    /// Another writer changed or deleted an object while this replica did not lead.
    mutating func changedByOthers(_ kind: ResourceKind) {
        changeRound { round in
            if round.lists[kind] != nil { round.isOutdated = true }
        }
        switch state {
        case .serving(let round), .standby(let round, _): state = .standby(round, isOutdated: true)
        case .handingOver(let round, _): state = .handingOver(round, isOutdated: true)
        case .idle, .listing, .takingOver: break
        }
    }

    /// The desired state was told of the lists.
    /// - Returns: `compareAnew` where this replica may write, else what follows.
    mutating func handedOver(isLeading: @autoclosure () -> Bool) -> Action {
        guard case .handingOver(let round, let isOutdated) = state else { return .none }
        state = isOutdated ? .standby(round, isOutdated: true) : .serving(round)
        let action = looks(isLeading: isLeading())
        return action == .none && isServing ? .compareAnew : action
    }

    private var isTakingOver: Bool { if case .takingOver = state { true } else { false } }

    private mutating func changeRound(_ change: (inout Round) -> Void) {
        switch state {
        case .listing(var round):
            change(&round)
            state = .listing(round)
        case .takingOver(var round):
            change(&round)
            state = .takingOver(round)
        case .serving(var round?):
            change(&round)
            state = .serving(round)
        case .standby(var round?, let isOutdated):
            change(&round)
            state = .standby(round, isOutdated: isOutdated)
        case .handingOver(var round?, let isOutdated):
            change(&round)
            state = .handingOver(round, isOutdated: isOutdated)
        case .idle, .serving(nil), .standby(nil, _), .handingOver(nil, _):
            break
        }
    }

    private mutating func complete(
        _ kind: ResourceKind, _ objects: [ActualObject], isLeading: () -> Bool
    ) -> Action {
        changeRound { $0.lists[kind] = objects }
        switch state {
        case .idle:
            return .none
        case .listing(let round):
            return handOver(round).map { .seed($0) } ?? .none
        case .takingOver(let round):
            return handOver(round).map { .adopt($0) } ?? .none
        case .handingOver(let round, let isOutdated):
            // One kind that is listed alone says nothing of the other one.
            let isMissed = !isLeading() && (kind == .serviceEntry || followsWorkloads)
            state = .handingOver(followsWorkloads ? nil : round, isOutdated: isOutdated || isMissed)
            return .none
        case .serving(nil), .standby(nil, _):
            return completeAlone(isLeading: isLeading())
        case .serving(let round?), .standby(let round?, _):
            if round.objects == nil {
                guard kind == .workloadEntry, followsWorkloads else { return .none }
                // WorkloadEntries can be followed from now on.
                if isServing { state = .serving(nil) } else { state = .standby(nil, isOutdated: true) }
                return completeAlone(isLeading: isLeading())
            }
            if isServing, isLeading() {
                guard isComplete(round) else { return .none }
                state = .serving(followsWorkloads ? nil : .withoutWorkloads)
                return .compareAnew
            }
            return handOver(round).map { .adopt($0) } ?? .none
        }
    }

    /// A kind was listed again, alone.
    private mutating func completeAlone(isLeading: Bool) -> Action {
        guard isLeading else {
            state = .standby(nil, isOutdated: true)
            return .none
        }
        return isServing ? .compare : looks(isLeading: true)
    }

    /// - Returns: The objects, when all is known that the desired state has to be told.
    private mutating func handOver(_ round: Round) -> [ActualObject]? {
        guard isComplete(round), let objects = round.objects else { return nil }
        state = .handingOver(followsWorkloads ? nil : .withoutWorkloads, isOutdated: round.isOutdated)
        return objects
    }

    /// Services that have WorkloadEntries are known by these: not to see them is not to have none.
    private func isComplete(_ round: Round) -> Bool {
        let needsWorkloads = round.lists[.serviceEntry]?.contains(where: \.selectsWorkloads) ?? false
        return round.objects != nil && (followsWorkloads || !usesWorkloads || !needsWorkloads)
    }
}

// MARK: - Leadership

extension ClusterStateMachine {
    /// The owner is about to act, and asked whether this replica leads. A report of that may come late.
    mutating func looks(isLeading: Bool) -> Action {
        switch state {
        case .serving(let round) where !isLeading:
            state = .standby(round, isOutdated: false)
            return .none
        case .standby(let round, isOutdated: false) where isLeading:
            state = .serving(round)
            return .compareAnew
        case .standby(_, isOutdated: true) where isLeading:
            incomplete = [:]
            state = .takingOver(Round())
            return .listAgain
        case .idle, .listing, .handingOver, .serving, .standby, .takingOver:
            return .none
        }
    }

    /// Everything is to be compared. Where that can't be done now, it follows when it can.
    mutating func compares(isLeading: Bool) -> Action {
        let action = looks(isLeading: isLeading)
        return action == .none && isServing ? .compare : action
    }

    /// Asked right before a request that changes something.
    mutating func mayWrite(isLeading: Bool) -> Bool {
        switch state {
        case .idle: return isLeading
        case .listing, .handingOver, .standby, .takingOver: return false
        case .serving:
            _ = looks(isLeading: isLeading)
            return isLeading
        }
    }
}
