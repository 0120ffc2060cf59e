import IsthmusTesting
import Services

@testable import Sources

/// A registry, the way to it, and the follower's machine: what happens at the registry, what is told of it and when
/// the machine hears it are separate steps in a random order.
struct SimulatedRegistry {
    /// How the reader of a registry tells of changes.
    enum Style: CaseIterable {
        /// By events for single instances, with lists to read, as ZooKeeper does.
        case events
        /// By events for single instances; one answer has everything, as in etcd.
        case snapshot
        /// That something changed in a name, as one-shot watches do.
        case oneShot
        /// By pushes of all of a name with an index, as blocking queries do.
        case indexedPushes
        /// By pushes of all of a name.
        case pushes
        /// Not at all.
        case polling
    }

    enum Failure: CaseIterable {
        case passing, refused, lasting
    }

    private struct Request {
        var action: FollowerStateMachine.Action
        /// What the registry answered; `nil` while it has not.
        var answer: FollowerStateMachine.Input?
    }

    /// Instances that are never removed from the registry.
    static let lastingInstances = ["a": 1, "b": 2, "c": 3]
    static let names = ["a", "b", "c", "d", "e"]
    static let readLimit = 2

    let style: Style
    private var random: SeededGenerator
    private var machine: FollowerStateMachine
    private var now = Duration.zero
    private var instances: [String: Set<Int>] = [:]
    /// Names with registrations that can't be used.
    private var unusable: Set<String> = []
    private var position: Position = 10
    private var isConnected = false
    private var isMissing = false
    private var isOverloaded = false
    private var failing: [String: Failure] = [:]
    private var changes: [RegistryChange] = []
    private var requests: [Request] = []
    private var view = View()
    private var violations: [String] = []
    /// Lasting instances that were shown.
    private var shown: Set<String> = []

    init(_ style: Style, seed: UInt64) {
        self.style = style
        random = SeededGenerator(seed: seed)
        machine = FollowerStateMachine(
            pauses: FollowerPauses(), pollInterval: style == .polling ? .seconds(10) : nil,
            readLimit: Self.readLimit, jitter: { 1 })
        for (name, number) in Self.lastingInstances { instances[name] = [number] }
    }

    // MARK: Steps

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: changeInstance()
        case 25..<45: answerRequest()
        case 45..<65: deliverAnswer()
        case 65..<85: deliverChange()
        case 85..<88: wait(.milliseconds(Int.random(in: 1..<3000, using: &random)))
        case 88: wait(.seconds(Int.random(in: 1..<400, using: &random)))
        case 89..<92: hear(.requested(.names([Self.names.randomElement(using: &random) ?? ""])))
        case 92: hear(.requested(.everything))
        case 93: isConnected ? disconnect() : connect()
        case 94: if !isConnected { connect() }
        case 95: loseChanges()
        case 96: toggleMissing()
        case 97: isOverloaded.toggle()
        case 98: changeUsability(of: Self.names[Int.random(in: 3..<5, using: &random)])
        default: changeFailure()
        }
    }

    private mutating func changeInstance() {
        let name = Self.names.randomElement(using: &random) ?? ""
        let number = Int.random(in: 10..<14, using: &random)
        change(name, number, isThere: instances[name]?.contains(number) != true)
    }

    private mutating func change(_ name: String, _ number: Int, isThere: Bool) {
        if isThere { instances[name, default: []].insert(number) } else { instances[name]?.remove(number) }
        position += 1
        guard isConnected else { return }
        switch style {
        case .events, .snapshot:
            changes.append(isThere ? .added(name, number, at: position) : .removed(name, number, at: position))
        case .oneShot: changes.append(.changed(name: name))
        case .indexedPushes, .pushes: changes.append(.pushed(name: name, reading(name)))
        case .polling: break
        }
    }

    private mutating func changeUsability(of name: String) {
        let isUnusable = unusable.insert(name).inserted
        if !isUnusable { unusable.remove(name) }
        position += 1
        guard isConnected else { return }
        switch style {
        case .events, .snapshot:
            if !isUnusable { changes.append(.unusableLeft(name: name, position: position)) }
        case .oneShot: changes.append(.changed(name: name))
        case .indexedPushes, .pushes: changes.append(.pushed(name: name, reading(name)))
        case .polling: break
        }
    }

    private mutating func connect() {
        isConnected = true
        changes.append(.connected(details: [:]))
    }

    private mutating func disconnect() {
        isConnected = false
        changes.append(.disconnected(reason: "lost"))
        for index in requests.indices where requests[index].answer == nil {
            requests[index].answer = answer(to: requests[index].action, ReadFailure(.disconnected, reason: "lost"))
        }
    }

    private mutating func loseChanges() {
        guard isConnected else { return }
        changes.removeAll { change in
            switch change {
            case .instance, .unusableLeft, .changed, .pushed: true
            case .connected, .disconnected, .missing, .changesLost, .outdated, .notesChanged: false
            }
        }
        changes.append(.changesLost(reason: "overflow"))
    }

    private mutating func toggleMissing() {
        isMissing.toggle()
        guard isConnected else { return }
        changes.append(isMissing ? .missing(reason: "no root") : .outdated(reason: "a root"))
    }

    private mutating func changeFailure() {
        let name = Self.names.randomElement(using: &random) ?? ""
        failing[name] = failing[name] == nil ? Failure.allCases.randomElement(using: &random) : nil
    }

    private mutating func answerRequest() {
        let open = requests.indices.filter { requests[$0].answer == nil }
        guard let index = open.randomElement(using: &random) else { return }
        requests[index].answer = answer(to: requests[index].action, failure(of: requests[index].action))
    }

    private mutating func deliverAnswer() {
        let answered = requests.indices.filter { requests[$0].answer != nil }
        guard let index = answered.randomElement(using: &random), let answer = requests.remove(at: index).answer
        else { return }
        hear(answer)
    }

    private mutating func deliverChange() {
        if !changes.isEmpty { hear(.changed(changes.removeFirst())) }
    }

    private mutating func wait(_ time: Duration) {
        now += time
        hear(.timePassed(until: now))
    }

    // MARK: Answers

    private func failure(of action: FollowerStateMachine.Action) -> ReadFailure? {
        if !isConnected { return ReadFailure(.disconnected, reason: "no connection") }
        switch action {
        case .list, .prepare:
            if isMissing { return ReadFailure(.missing, reason: "no root") }
            return isOverloaded ? ReadFailure(.overloaded, reason: "busy") : nil
        case .read(let name, _):
            if isOverloaded { return ReadFailure(.overloaded, reason: "busy") }
            switch failing[name] {
            case nil: return nil
            case .passing: return ReadFailure(.passing, reason: "later")
            case .refused: return ReadFailure(.refused, reason: "no")
            case .lasting: return ReadFailure(.lasting, reason: "too long")
            }
        case .emit, .emitNotes, .report: return nil
        }
    }

    private func answer(
        to action: FollowerStateMachine.Action, _ failure: ReadFailure?
    ) -> FollowerStateMachine.Input? {
        switch action {
        case .list(let epoch): .listed(failure.map { .failure($0) } ?? .success(listing), by: epoch)
        case .prepare(let epoch): .prepared(failure, by: epoch)
        case .read(let name, let epoch): .read(name, failure.map { .failure($0) } ?? .success(reading(name)), by: epoch)
        case .emit, .emitNotes, .report: nil
        }
    }

    private var listing: Listing {
        let names = Self.names.filter { unusable.contains($0) || instances[$0]?.isEmpty == false }
        guard style == .snapshot else { return Listing(names: names, position: style == .events ? position : nil) }
        return Listing(
            readings: Dictionary(uniqueKeysWithValues: names.map { ($0, reading($0)) }), position: position)
    }

    private func reading(_ name: String) -> Reading {
        let position: Position? =
            switch style {
            case .events, .snapshot, .indexedPushes: self.position
            case .oneShot, .pushes, .polling: nil
            }
        let numbers = instances[name] ?? []
        if numbers.isEmpty, unusable.contains(name) {
            return Reading(.unusable(reason: "all bad"), unusableCount: 1, position: position)
        }
        return .sample(name, numbers.sorted(), position: position)
    }

    // MARK: The machine

    private mutating func hear(_ input: FollowerStateMachine.Input) {
        for action in machine.handle(input, now: now) {
            switch action {
            case .emit(let event): show(event)
            case .list, .prepare, .read: requests.append(Request(action: action))
            case .emitNotes, .report: break
            }
        }
        let reads = requests.count { if case .read = $0.action { true } else { false } }
        if reads > Self.readLimit { violations.append("\(reads) reads under way") }
    }

    private mutating func show(_ event: SourceEvent) {
        view.take(event)
        for (name, number) in Self.lastingInstances {
            let isShown = view[name][.sample(number)] != nil
            if !isShown, shown.contains(name) { violations.append("\(name) lost an instance by \(event.text)") }
            if isShown { shown.insert(name) }
        }
    }

    // MARK: The end

    /// Mends everything, and lets all that is under way happen.
    mutating func recover() {
        isMissing = false
        isOverloaded = false
        let lasting = failing.filter { $0.value == .lasting }.keys.sorted()
        failing = [:]
        if !isConnected { connect() }
        changes.append(.outdated(reason: "a root"))
        settle()
        for name in Self.names {
            if unusable.contains(name) { changeUsability(of: name) }
            // A list that was too long is read when something leaves it.
            guard lasting.contains(name) else { continue }
            for isThere in [true, false] { change(name, 99, isThere: isThere) }
        }
        settle()
    }

    private mutating func settle() {
        var polls = 0
        for _ in 0..<10_000 {
            if !changes.isEmpty {
                deliverChange()
            } else if !requests.isEmpty {
                while requests.contains(where: { $0.answer == nil }) { answerRequest() }
                deliverAnswer()
            } else if let deadline = machine.deadline, polls < 100 {
                now = max(now, deadline)
                hear(.timePassed(until: now))
                if style == .polling { polls += 1 }
            } else {
                return
            }
        }
        violations.append("it never comes to rest")
    }

    /// What went wrong, and how the view differs from the registry.
    var failures: [String] {
        let differences = Self.names.compactMap { name in
            let expected = Set((instances[name] ?? []).map { InstanceKey.sample($0) })
            let seen = Set(view[name].keys)
            return seen == expected ? nil : "\(name): \(seen.count) of \(expected.count)"
        }
        return differences + violations + view.violations + (view.isComplete ? [] : ["the last read is not complete"])
    }
}
