import IsthmusTesting
import Services
import Sources

/// A registry and its source: what is registered, and what of that the source says when, by the rules of `SourceEvent`.
struct ModelRegistry {
    struct Registration: Hashable {
        var id: ServiceID
        var instance: Instance
    }

    /// How a full read departs from what is registered.
    enum Answer: Hashable {
        case truth
        /// Complete, and empty.
        case nothing
        /// Complete, without these znodes: an old backup, or a server that lags.
        case without(Set<String>)
    }

    private struct Change {
        var number: Int
        var node: String
        var registration: Registration
        var isThere: Bool
    }

    private struct Reading {
        var names: [String]
        var answer: Answer
    }

    let name: String
    /// By the names of the znodes.
    private(set) var nodes: [String: Registration] = [:]
    private(set) var isConnected = false
    /// The names whose lists can't be read.
    var unreadable: Set<String> = []
    /// Whether what was read last is not what is registered.
    private(set) var isMisread = true
    private var directories: Set<String> = []
    private var waiting: [Change] = []
    private var reading: Reading?
    /// Whether a read broke off, and the next one has to come before any event.
    private var mustRead = false
    private var changeCount = 0
    private var nodeCount = 0
    /// The last change that each list shows.
    private var lists: [String: Int] = [:]
    private var rootRead = 0

    init(name: String) {
        self.name = name
    }

    var isReading: Bool { reading != nil }
    var isIdle: Bool { isConnected && !isReading && !mustRead }
}

// MARK: - What providers do

extension ModelRegistry {
    mutating func register(_ id: ServiceID, _ instance: Instance) {
        nodeCount += 1
        let node = "\(name)-\(nodeCount)"
        nodes[node] = Registration(id: id, instance: instance)
        directories.insert(id.name)
        note(node, Registration(id: id, instance: instance), isThere: true)
    }

    mutating func deregister(_ node: String) {
        guard let registration = nodes.removeValue(forKey: node) else { return }
        note(node, registration, isThere: false)
    }

    private mutating func note(_ node: String, _ registration: Registration, isThere: Bool) {
        changeCount += 1
        // No watch tells what happens without a connection.
        guard isConnected else { return }
        waiting.append(Change(number: changeCount, node: node, registration: registration, isThere: isThere))
    }
}

// MARK: - What the source says

extension ModelRegistry {
    mutating func disconnect() -> [SourceEvent] {
        isConnected = false
        waiting = []
        reading = nil
        return [.interrupted(reason: "the connection is lost")]
    }

    /// As another process does, which knows nothing yet.
    mutating func restart() {
        isConnected = false
        waiting = []
        reading = nil
        mustRead = false
        isMisread = true
    }

    mutating func beginRead(_ answer: Answer, _ random: inout SeededGenerator) -> [SourceEvent] {
        isConnected = true
        mustRead = false
        rootRead = changeCount
        lists = [:]
        reading = Reading(
            names: answer == .nothing ? [] : directories.sorted().shuffled(using: &random), answer: answer)
        return [.begin]
    }

    /// Reads some of the lists, and ends with the last one.
    mutating func readOn(_ count: Int) -> [SourceEvent] {
        guard var now = reading else { return [] }
        let names = now.names.prefix(count)
        now.names.removeFirst(names.count)
        reading = now
        var events = names.map { list($0, now.answer) }
        if now.names.isEmpty {
            reading = nil
            isMisread = now.answer != .truth || !unreadable.isEmpty
            events.append(.complete)
        }
        return events
    }

    mutating func breakOff() -> [SourceEvent] {
        guard reading != nil else { return [] }
        reading = nil
        mustRead = true
        return [.interrupted(reason: "a list could not be read")]
    }

    mutating func readAll(_ answer: Answer, _ random: inout SeededGenerator) -> [SourceEvent] {
        beginRead(answer, &random) + readOn(.max)
    }

    /// What was asked for, by a source that is idle.
    mutating func reread(_ names: [String]) -> [SourceEvent] {
        names.map { list($0, .truth) }
    }

    private mutating func list(_ name: String, _ answer: Answer) -> SourceEvent {
        lists[name] = changeCount
        if unreadable.contains(name) { return .unreadable(name: name, reason: "the server refuses") }
        var services: SourceEvent.Instances = [:]
        for (node, registration) in nodes where registration.id.name == name {
            if case .without(let hidden) = answer, hidden.contains(node) { continue }
            services[registration.id, default: [:]][InstanceKey(node)] = registration.instance
        }
        return .services(name: name, services)
    }

    /// The next changes that happened, in their order, some of them twice. What a list has shown since is not told.
    mutating func tell(_ count: Int, twice: Bool) -> [SourceEvent] {
        guard isConnected, !mustRead else { return [] }
        var events: [SourceEvent] = []
        for change in waiting.prefix(count) {
            let id = change.registration.id
            if change.number <= lists[id.name] ?? rootRead { continue }
            let event: SourceEvent =
                change.isThere
                ? .added(id, InstanceKey(change.node), change.registration.instance)
                : .removed(id, InstanceKey(change.node), at: change.registration.instance.endpoint)
            events += twice ? [event, event] : [event]
        }
        waiting.removeFirst(min(count, waiting.count))
        return events
    }
}
