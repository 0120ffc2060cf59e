internal import Concurrency
internal import Services

/// Decides what of a registry is read and when, and puts answers and changes in an order in which they can be shown.
///
/// It does no I/O: inputs and the time go in, actions come out in the order in which they are to be performed.
///
/// From `interrupted` to the next `begin` nothing else is emitted. A change in that time is dropped, since the next
/// read shows it.
struct FollowerStateMachine: Sendable {
    enum Input: Sendable {
        case changed(RegistryChange)
        case requested(ReadRequests.Request)
        case listed(Result<Listing, ReadFailure>, by: Epoch)
        case prepared(ReadFailure?, by: Epoch)
        case read(String, Result<Reading, ReadFailure>, by: Epoch)
        /// The time has come that `deadline` named.
        case timePassed(until: Duration)
    }

    enum Action: Sendable {
        case list(Epoch)
        case prepare(Epoch)
        case read(String, Epoch)
        case emit(SourceEvent)
        /// Emits what the registry holds and the reader does not carry, if it changed.
        case emitNotes
        case report(FollowerReport)
    }

    /// Tells the requests of now from those that were given up.
    struct Epoch: Hashable, Sendable {
        fileprivate var number = 0
    }

    enum State {
        /// The reader has no connection. A full read follows the next one.
        case disconnected
        /// The registry has nothing to follow. A full read follows a report of the reader, or a request.
        case missing
        /// The last full read failed, and the next one begins at this time.
        case pausing(until: Duration)
        /// A full read has begun, and its names are not known yet.
        case listing(ListingRead)
        /// The names of a full read are being read, between `begin` and `complete`.
        case reading(FullRead)
        /// The last full read is complete, and changes are applied to it.
        case following(NameReads)
    }

    let pauses: FollowerPauses
    /// Between failed full reads.
    private var backoff: Backoff
    let pollInterval: Duration?
    let readLimit: Int
    private let jitter: @Sendable () -> Double

    var state = State.disconnected
    var order = ReadOrder()
    var conditions: NameConditions
    private(set) var epoch = Epoch()
    /// Calls of `read` that were not answered yet, given up or not.
    private var readsUnderWay = 0
    /// In a row.
    private var disconnections = 0
    private var lastTally: ReadTally?

    var now = Duration.zero
    var actions: [Action] = []

    /// - Parameter jitter: From 0 to 1, anew for each pause.
    init(
        pauses: FollowerPauses, pollInterval: Duration?, readLimit: Int,
        jitter: @escaping @Sendable () -> Double = { .random(in: 0...1) }
    ) {
        self.pauses = pauses
        backoff = pauses.fullRead
        self.pollInterval = pollInterval
        self.readLimit = max(readLimit, 1)
        self.jitter = jitter
        conditions = NameConditions(pauses: pauses)
    }

    /// - Parameter now: Monotonic.
    mutating func handle(_ input: Input, now: Duration) -> [Action] {
        self.now = now
        switch input {
        case .changed(let change): changed(change)
        case .requested(let request): requested(request)
        case .listed(let answer, let epoch): if epoch == self.epoch { listed(answer) }
        case .prepared(let failure, let epoch): if epoch == self.epoch { prepared(failure) }
        case .read(let name, let answer, let epoch):
            readsUnderWay -= 1
            if epoch == self.epoch { answered(name, answer) }
        case .timePassed: break
        }
        timePassed()
        startReads()
        defer { actions = [] }
        return actions
    }

    /// When `timePassed` is due; `nil` while only other inputs matter.
    var deadline: Duration? {
        switch state {
        case .disconnected, .missing, .listing, .reading: nil
        case .pausing(let until): until
        case .following(let reads): [reads.deadline, conditions.deadline].compactMap(\.self).min()
        }
    }

    mutating func emit(_ event: SourceEvent) { actions.append(.emit(event)) }
    mutating func report(_ report: FollowerReport) { actions.append(.report(report)) }

    // MARK: The registry as a whole

    private mutating func changed(_ change: RegistryChange) {
        switch change {
        case .connected(let details):
            report(.connected(details))
            readEverything(isLive: false)
        case .disconnected(let reason):
            disconnections += 1
            report(.disconnected(reason: reason, failures: disconnections))
            interrupt(reason: reason, .disconnected)
        case .missing(let reason):
            report(.unreadable(reason: reason, failures: 1, pause: nil))
            interrupt(reason: reason, .missing)
        case .changesLost(let reason): readAgain(.changesLost(reason: reason))
        case .outdated(let reason): readAgain(.outdated(reason: reason))
        case .instance(let change): instanceChanged(change)
        case .unusableLeft(let name, let position): unusableLeft(name, position)
        case .changed(let name): nameChanged(name)
        case .pushed(let name, let reading): pushed(name, reading)
        case .notesChanged: notesChanged()
        }
    }

    /// The reader wants a full read.
    private mutating func readAgain(_ cause: FollowerReport) {
        switch state {
        case .disconnected, .pausing: return
        case .missing: readEverything(isLive: false)
        case .listing, .reading: postpone { $0.isEverythingWanted = true }
        case .following: readEverything(isLive: true)
        }
        report(cause)
    }

    /// - Parameter isLive: Whether what was known goes on being changed by events until `begin`.
    mutating func readEverything(isLive: Bool) {
        epoch.number += 1
        state = .listing(ListingRead(isLive: isLive))
        actions.append(.list(epoch))
    }

    private mutating func interrupt(reason: String, _ next: State) {
        epoch.number += 1
        state = next
        emit(.interrupted(reason: reason))
    }

    /// A full read failed, or what precedes a read of single names.
    mutating func readFailed(_ failure: ReadFailure) {
        switch failure.cause {
        case .disconnected:
            interrupt(reason: failure.reason, .disconnected)
        case .missing:
            report(.unreadable(reason: failure.reason, failures: 1, pause: nil))
            interrupt(reason: failure.reason, .missing)
        case .overloaded, .passing, .refused, .lasting:
            let pause = backoff.next(jitter: jitter())
            report(.unreadable(reason: failure.reason, failures: backoff.failures, pause: pause))
            interrupt(reason: failure.reason, .pausing(until: now + pause))
        }
    }

    /// A full read is complete.
    mutating func everythingWasRead(_ tally: ReadTally) {
        let isNews = pollInterval == nil || backoff.failures > 0 || tally != lastTally
        report(.read(tally, isNews: isNews))
        lastTally = tally
        backoff.reset()
        disconnections = 0
    }

    private mutating func requested(_ request: ReadRequests.Request) {
        switch (state, request) {
        // A full read follows anyway.
        case (.disconnected, _), (.pausing, _): break
        case (.missing, _): readEverything(isLive: false)
        case (.listing, .everything), (.reading, .everything): postpone { $0.isEverythingWanted = true }
        case (.listing, .names(let names)), (.reading, .names(let names)): postpone { $0.request(names) }
        case (.following, .everything): readEverything(isLive: true)
        case (.following, .names(let names)): ask(for: names)
        }
    }

    private mutating func timePassed() {
        switch state {
        case .pausing(let until):
            if until <= now { readEverything(isLive: false) }
        case .following:
            if let time = pollTime, time <= now { readEverything(isLive: true) } else { retryNames() }
        case .disconnected, .missing, .listing, .reading: break
        }
    }

    private var pollTime: Duration? {
        if case .following(let reads) = state { reads.pollTime } else { nil }
    }

    private mutating func answered(_ name: String, _ answer: Result<Reading, ReadFailure>) {
        switch state {
        case .reading: answeredInFullRead(name, answer)
        case .following: answeredByItself(name, answer)
        case .disconnected, .missing, .pausing, .listing: break
        }
    }

    /// Starts as many reads as the limit lets.
    private mutating func startReads() {
        while readsUnderWay < readLimit, let name = nextToRead() {
            readsUnderWay += 1
            actions.append(.read(name, epoch))
        }
    }

    private mutating func nextToRead() -> String? {
        switch state {
        case .reading: modifyFullRead { $0.next() } ?? nil
        case .following: modifyNameReads { $0.next() } ?? nil
        case .disconnected, .missing, .pausing, .listing: nil
        }
    }
}

// MARK: - Changes

extension FollowerStateMachine {
    private mutating func instanceChanged(_ change: InstanceChange) {
        let name = change.name
        switch state {
        case .disconnected, .missing, .pausing:
            return
        case .listing(var listing):
            // The storage is given up, so that it is changed in place.
            state = .disconnected
            let isApplied = listing.changed(change) && listing.isLive
            state = .listing(listing)
            if isApplied { emit(change.event) }
        case .reading:
            if order.isOld(change.position, in: name) { return }
            let isApplied = modifyFullRead { $0.changed(change) } ?? false
            if isApplied { emit(change.event) }
            modifyFullRead { [now] in $0.conditions.changed(name, isRemoval: change.instance == nil, now: now) }
        case .following:
            if order.isOld(change.position, in: name) { return }
            let isApplied = modifyNameReads { $0.changed(change) } ?? false
            if isApplied { emit(change.event) }
            conditions.changed(name, isRemoval: change.instance == nil, now: now)
        }
    }

    private mutating func unusableLeft(_ name: String, _ position: Position) {
        switch state {
        case .disconnected, .missing, .pausing, .listing: return
        case .reading:
            if order.isOld(position, in: name) { return }
            modifyFullRead { [now] in $0.conditions.changed(name, isRemoval: true, now: now) }
        case .following:
            if order.isOld(position, in: name) { return }
            conditions.changed(name, isRemoval: true, now: now)
        }
    }

    private mutating func nameChanged(_ name: String) {
        switch state {
        case .disconnected, .missing, .pausing: break
        case .listing: postpone { $0.changed.insert(name) }
        case .reading: modifyFullRead { if !$0.isStillToStart(name) { $0.postponed.changed.insert(name) } }
        case .following: modifyNameReads { $0.nameChanged(name) }
        }
    }

    private mutating func notesChanged() {
        switch state {
        case .following: actions.append(.emitNotes)
        // The end of a full read tells.
        case .disconnected, .missing, .pausing, .listing, .reading: break
        }
    }

    private mutating func pushed(_ name: String, _ reading: Reading) {
        switch state {
        case .disconnected, .missing, .pausing: break
        case .listing: postpone { $0.pushed[name] = reading }
        case .reading: modifyFullRead { if !$0.isStillToStart(name) { $0.postponed.pushed[name] = reading } }
        case .following: show(pushed: name, reading)
        }
    }

    /// A whole statement that stands by itself, outside a full read.
    mutating func show(pushed name: String, _ reading: Reading) {
        if let position = reading.position, order.isOlder(position, than: name) { return }
        if reading.position == nil { modifyNameReads { $0.supersede(name) } }
        show(name, reading)
    }

    /// Emits what was read or pushed outside a full read.
    mutating func show(_ name: String, _ reading: Reading) {
        switch reading.content {
        case .services(let services):
            if let position = reading.position { order.wasRead(name, at: position) }
            conditions.clear(name)
            emit(.services(name: name, services))
        case .unusable(let reason):
            order.showsNothing(of: name)
            _ = conditions.note(name, .unusable, now: now)
            emit(.unreadable(name: name, reason: reason, isAnswered: true))
        }
    }
}

// MARK: - What the state holds

extension FollowerStateMachine {
    @discardableResult
    mutating func modifyFullRead<Value>(_ body: (inout FullRead) -> Value) -> Value? {
        guard case .reading(var read) = state else { return nil }
        state = .disconnected
        defer { state = .reading(read) }
        return body(&read)
    }

    @discardableResult
    mutating func modifyNameReads<Value>(_ body: (inout NameReads) -> Value) -> Value? {
        guard case .following(var reads) = state else { return nil }
        state = .disconnected
        defer { state = .following(reads) }
        return body(&reads)
    }

    /// Leaves something to the time after the full read that is under way.
    private mutating func postpone(_ body: (inout PostponedReads) -> Void) {
        switch state {
        case .listing(var listing):
            state = .disconnected
            body(&listing.postponed)
            state = .listing(listing)
        case .reading: modifyFullRead { body(&$0.postponed) }
        case .disconnected, .missing, .pausing, .following: break
        }
    }
}
