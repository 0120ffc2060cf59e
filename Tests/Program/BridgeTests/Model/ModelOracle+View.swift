import Catalog
import Services
import Sources

extension ModelOracle {
    /// Losses that look like a failure of the registry.
    struct Suspicion {
        struct Missing {
            /// The time, of that for which reads have agreed, from which on it is missing.
            var since: Duration
            /// Whether it went together with what the suspicion began with.
            var isOfFirstLoss: Bool
        }

        let began: Duration
        var claims: [Claim: Missing] = [:]
        /// New instances each let one of their service's missing ones go.
        var replaced: [ServiceID: Int] = [:]
        private(set) var total: Int
        /// Whether no time releases it.
        var isEmptyAnswer = false
        /// Whether nobody can say which of it the bridge still holds: another replica may have let some of it go.
        var isGuessed = false
        /// Whether the bridge may hold nothing of it any more.
        private(set) var mayBeOver = false
        private var agreed = Duration.zero
        private var recovered = Duration.zero
        var lastRead: Duration?

        init(began: Duration, total: Int, isEmptyAnswer: Bool = false) {
            self.began = began
            self.total = total
            self.isEmptyAnswer = isEmptyAnswer
        }

        /// At the least.
        var count: Int {
            var left = claims.count
            for (id, count) in replaced { left -= min(count, claims.keys.count { $0.id == id }) }
            return left
        }

        private func time(_ now: Duration) -> Duration { agreed + (lastRead.map { now - $0 } ?? .zero) }

        mutating func misses(_ claim: Claim, now: Duration) {
            claims[claim] = Missing(since: time(now), isOfFirstLoss: now - began < .seconds(60))
        }

        mutating func recovers(now: Duration) { recovered = time(now) }

        /// Whether that is certain.
        var isOver: Bool { claims.isEmpty && replaced.values.allSatisfy { $0 == 0 } && !isGuessed }

        var perhapsOver: Self {
            var other = self
            other.mayBeOver = true
            return other
        }

        /// More is lost, for which it may be held on, or anew.
        mutating func goesOn(total: Int) {
            mayBeOver = false
            self.total = max(self.total, total)
        }

        /// A full read says the same.
        /// - Returns: What has been missing for so long that it is believed.
        mutating func agree(now: Duration, unreadable: Set<String>, isTooMuch: Bool) -> [Claim] {
            agreed = time(now)
            lastRead = now
            for claim in claims.keys where unreadable.contains(claim.id.name) { claims[claim]?.since = agreed }
            // The bridge may hold more, of a larger total: what had gone within a minute comes back.
            if isEmptyAnswer || count * 100 > total * 65 { return [] }
            let required: Duration = isTooMuch ? .seconds(300) : .seconds(60)
            return claims.filter { agreed - max($1.since, recovered) >= required }.map(\.key)
        }
    }

    /// What came or went at a moment.
    struct Entry {
        let time: Duration
        var lost: [Claim] = []
        /// Whether the bridge may have forgotten the loss.
        var mayBeForgotten = false
        var gained: [ServiceID: Int] = [:]

        init(time: Duration, lost: Set<Claim> = [], gained: Set<Claim> = []) {
            self.time = time
            self.lost = Array(lost)
            for claim in gained { self.gained[claim.id, default: 0] += 1 }
        }
    }

    /// What one registry said, and what follows from it.
    struct View {
        let name: String
        var picture: Picture = [:]
        /// What the picture says.
        private(set) var claims: Set<Claim> = []
        private var guessed: Set<String> = []
        var shadow: Picture?
        var unknown: Set<String> = []
        var shadowUnknown: Set<String> = []
        /// What the full read that goes on can't say.
        var unreadable: Set<String> = []
        /// Ever since the start.
        var isComplete = false
        var isFollowed = false
        var hold: Suspicion?
        /// The last endpoints of services, until the read of this number.
        var unconfirmed: [Claim: Int] = [:]
        private var readCount = 0
        /// What came and went of late.
        private var ledger: [Entry] = []
        /// What was lost since the bridge judged last.
        private var waiting: Set<Claim> = []
        /// The most that there ever was.
        private var peak = 0
        /// Whether the window's edge fell so that nobody can say whether there is a hold.
        private(set) var isUnclear = false
        /// Whether the bridge may count to this registry what another replica's objects showed.
        private var isGuessing = false
        /// Whether it did so since all was believed last.
        private var hasGuessed = false

        init(name: String) {
            self.name = name
        }
    }
}

extension ModelOracle.View {
    typealias Claim = ModelOracle.Claim

    var kept: Set<Claim> { Set(hold?.claims.keys.map { $0 } ?? []).union(unconfirmed.keys) }

    /// The services that are served for certain.
    var served: Set<ServiceID> {
        Set(picture.keys).union(kept.lazy.map(\.id).filter { hold?.replaced[$0] ?? 0 == 0 })
    }

    func claims(of id: ServiceID) -> Set<Claim> {
        Set((picture[id] ?? [:]).values.map { Claim(id: id, endpoint: $0) })
    }

    func announces(_ claim: Claim) -> Bool { claims.contains(claim) }

    private var count: Int { picture.values.reduce(0) { $0 + $1.count } }

    private func claims(named name: String) -> Set<Claim> {
        picture.keys.filter { $0.name == name }.reduce(into: []) { $0.formUnion(claims(of: $1)) }
    }

    /// While it isn't followed, another replica's work is its last good picture.
    mutating func adopts(_ delivered: Set<Claim>) {
        if isFollowed || !isComplete { return }
        for (id, instances) in picture {
            let known = instances.filter { delivered.contains(Claim(id: id, endpoint: $0.value)) }
            picture[id] = known.isEmpty ? nil : known
        }
        claims.formIntersection(delivered)
        isUnclear = true
        isGuessing = true
        hasGuessed = true
    }

    // MARK: What is said

    /// - Returns: What it announces anew.
    mutating func hears(_ event: SourceEvent, now: Duration) -> Set<Claim> {
        switch event {
        case .begin:
            shadow = [:]
            shadowUnknown = []
            unreadable = []
            readCount += 1
        case .services(let name, let services):
            let read = services.filter { !$0.value.isEmpty }.mapValues { $0.mapValues(\.endpoint) }
            guard shadow == nil else {
                shadow?.merge(read) { $0.merging($1) { $1 } }
                return []
            }
            let before = claims(named: name)
            unknown.remove(name)
            picture = picture.filter { $0.key.name != name }.merging(read) { $1 }
            unconfirmed = unconfirmed.filter { $0.key.id.name != name }
            return change(from: before, to: claims(named: name), now: now)
        case .unreadable(let name, _, _):
            guard shadow != nil else { return [] }
            unreadable.insert(name)
            if !isComplete || unknown.contains(name) { shadowUnknown.insert(name) }
            shadow?.merge(picture.filter { $0.key.name == name }) { $0.merging($1) { read, _ in read } }
        case .notes:
            break
        case .complete:
            return complete(now: now)
        case .interrupted:
            shadow = nil
            isFollowed = false
            hold?.lastRead = nil
        case .added(let id, let key, let instance):
            let before = claims(of: id)
            picture[id, default: [:]][key] = instance.endpoint
            forget(Claim(id: id, endpoint: instance.endpoint))
            if shadow != nil { shadow?[id, default: [:]][key] = instance.endpoint }
            return change(from: before, to: claims(of: id), now: now)
        case .removed(let id, let key, let endpoint):
            let before = claims(of: id)
            if let endpoint, picture[id]?[key] == nil { forget(Claim(id: id, endpoint: endpoint)) }
            remove(key, of: id, from: &picture)
            if shadow != nil { remove(key, of: id, from: &shadow!) }
            return change(from: before, to: claims(of: id), now: now)
        }
        return []
    }

    // MARK: What only objects say

    private static func key(_ claim: Claim) -> InstanceKey { InstanceKey(claim.endpoint, of: claim.id) }

    /// - Parameter isUnread: Whether it stands for a list that can't be read.
    mutating func guess(_ claim: Claim, isUnread: Bool) {
        if isUnread { guessed.insert(claim.id.name) }
        if claims.contains(claim) || kept.contains(claim) { return }
        picture[claim.id, default: [:]][Self.key(claim)] = claim.endpoint
        claims.insert(claim)
    }

    /// The names of which something is known that way are no longer unknown.
    mutating func knowGuesses() {
        unknown.subtract(guessed)
        guessed = []
    }

    /// The registry says itself what it announces there.
    private mutating func forget(_ claim: Claim) {
        remove(Self.key(claim), of: claim.id, from: &picture)
        if shadow != nil { remove(Self.key(claim), of: claim.id, from: &shadow!) }
    }

    private func remove(_ key: InstanceKey, of id: ServiceID, from picture: inout ModelOracle.Picture) {
        picture[id]?[key] = nil
        if picture[id]?.isEmpty == true { picture[id] = nil }
    }

    private mutating func complete(now: Duration) -> Set<Claim> {
        guard let shadow else { return [] }
        if unreadable.isEmpty { isGuessing = false }
        let before = claims
        let after = Set(shadow.flatMap { id, nodes in nodes.values.map { Claim(id: id, endpoint: $0) } })
        picture = shadow
        unknown = shadowUnknown
        self.shadow = nil
        let isFirst = !isComplete
        isComplete = true
        isFollowed = true
        if picture.isEmpty, hold == nil, !before.isEmpty, !isFirst {
            hold = ModelOracle.Suspicion(began: now, total: before.count + unconfirmed.count, isEmptyAnswer: true)
        }
        // What is new at the first read is settled with what was known before the start.
        if isFirst { claims = after }
        let gained = isFirst ? after : change(from: before, to: after, now: now)
        unconfirmed = unconfirmed.filter { $0.value > readCount || unreadable.contains($0.key.id.name) }
        agree(now: now)
        return gained
    }

    // MARK: What follows

    private mutating func change(from before: Set<Claim>, to after: Set<Claim>, now: Duration) -> Set<Claim> {
        let gained = after.subtracting(before)
        let lost = before.subtracting(after)
        claims.formUnion(gained)
        claims.subtract(lost)
        take(gained: gained, now: now)
        loses(lost, now: now)
        return gained
    }

    /// What it said when the bridge started, against what was known before.
    mutating func starts(lost: Set<Claim>, gained: Set<Claim>, now: Duration) {
        if lost.isEmpty { return }
        if picture.isEmpty, hold == nil { hold = .init(began: now, total: lost.count, isEmptyAnswer: true) }
        ledger.append(ModelOracle.Entry(time: now, gained: gained))
        loses(lost, now: now)
    }

    private mutating func take(gained: Set<Claim>, now: Duration) {
        if !picture.isEmpty { hold?.isEmptyAnswer = false }
        if gained.isEmpty { return }
        ledger.append(ModelOracle.Entry(time: now, gained: gained))
        waiting.subtract(gained)
        for claim in gained {
            if let missing = hold?.claims.removeValue(forKey: claim) {
                // One that had been let go for another is no recovery.
                if hold?.replaced[claim.id] ?? 0 == 0, missing.isOfFirstLoss { hold?.recovers(now: now) }
            } else {
                hold?.replaced[claim.id, default: 0] += 1
            }
            unconfirmed = unconfirmed.filter { $0.key.id != claim.id }
        }
        endEmptyHold(now: now)
    }

    private mutating func loses(_ claims: Set<Claim>, now: Duration) {
        if claims.isEmpty { return }
        ledger.append(ModelOracle.Entry(time: now, lost: claims))
        for claim in claims {
            if hold?.mayBeOver == false {
                hold?.misses(claim, now: now)
            } else {
                waiting.insert(claim)
                if picture[claim.id] == nil { unconfirmed[claim] = readCount + 1 }
            }
        }
    }

    /// The settle time is over, and the bridge judges what went.
    mutating func settles(now: Duration) {
        defer { waiting = [] }
        if waiting.isEmpty || hold?.mayBeOver == false { return }
        ledger.removeAll { now - $0.time > .seconds(130) }
        // An arrival may have paid for a removal that came a minute later, and that went less than a minute ago.
        let payers: [ServiceID: Int] = ledger.filter { now - $0.time <= .seconds(125) }
            .reduce(into: [:]) { $0.merge($1.gained, uniquingKeysWith: +) }
        let gained = payers.values.reduce(0, +)
        let certain = loss(ledger.filter { now - $0.time < .seconds(59) && !$0.mayBeForgotten }, less: gained)
        let possible = loss(ledger.filter { now - $0.time < .seconds(62) }, less: 0)
        peak = max(peak, count + certain.claims)
        if isTooMuch(certain.claims, at: certain.addresses, of: count + certain.claims) {
            hold = hold ?? .init(began: now, total: peak)
            hold?.goesOn(total: peak)
            hold?.replaced.merge(payers, uniquingKeysWith: +)
            for claim in waiting {
                hold?.misses(claim, now: now)
                unconfirmed[claim] = nil
            }
        } else if isTooMuch(possible.claims, at: possible.addresses, of: count + possible.claims) {
            isUnclear = true
        }
    }

    private func loss(_ entries: [ModelOracle.Entry], less gained: Int) -> (claims: Int, addresses: Int) {
        let lost = Set(entries.flatMap(\.lost))
        return (max(lost.count - gained, 0), max(Self.addresses(lost) - gained, 0))
    }

    private static func addresses(_ claims: some Sequence<Claim>) -> Int {
        Set(claims.map { "\($0.endpoint.host):\($0.endpoint.port)" }).count
    }

    /// More than 15 percent, and more than ten, at more than ten addresses unless it is most of it.
    private func isTooMuch(_ loss: Int, at addresses: Int, of total: Int) -> Bool {
        loss > 10 && loss * 100 > total * 15 && (addresses > 10 || addresses > 3 && loss * 100 > total * 50)
    }

    private mutating func agree(now: Duration) {
        guard let hold else { return }
        let addresses = Self.addresses(hold.claims.keys) - (hold.claims.count - hold.count)
        let isTooMuch = hold.count * 100 > hold.total * 25 && isTooMuch(hold.count, at: addresses, of: hold.total)
        let believed = self.hold?.agree(now: now, unreadable: unreadable, isTooMuch: isTooMuch) ?? []
        for claim in believed { self.hold?.claims[claim] = nil }
        endEmptyHold(now: now)
    }

    /// Everything is believed.
    /// - Parameter wasHeld: Whether there was anything to release.
    mutating func released(wasHeld: Bool) {
        hold = nil
        if wasHeld { hasGuessed = isGuessing }
        isUnclear = hasGuessed
        guard wasHeld else { return }
        unconfirmed = [:]
        ledger = []
        peak = 0
    }

    mutating func release(now: Duration, where isFree: (Claim) -> Bool) {
        if let hold { self.hold?.claims = hold.claims.filter { !isFree($0.key) } }
        unconfirmed = unconfirmed.filter { !isFree($0.key) }
        waiting = waiting.filter { !isFree($0) }
        endEmptyHold(now: now)
    }

    /// What went before may be forgotten then.
    private mutating func endEmptyHold(now: Duration) {
        guard let hold, hold.count <= 0 else { return }
        if !hold.mayBeOver { for index in ledger.indices { ledger[index].mayBeForgotten = true } }
        self.hold = hold.isOver ? nil : hold.perhapsOver
    }

    /// An endpoint is no longer delivered.
    /// - Returns: Why it should be.
    mutating func takesAway(_ claim: Claim, now: Duration) -> String? {
        if hold?.claims[claim] != nil {
            if let left = hold?.replaced[claim.id], left > 0 {
                hold?.replaced[claim.id] = left - 1
                hold?.claims[claim] = nil
                endEmptyHold(now: now)
                return nil
            }
            return isUnclear ? nil : "it lost \(hold?.claims.count ?? 0) of \(hold?.total ?? 0) at once"
        }
        return unconfirmed[claim] == nil || isUnclear
            ? nil : "it was the last of its service, and no second read has confirmed that"
    }
}
