import Addressing
import Services
import Sources

extension Instance {
    /// - Parameter number: Tells instances apart.
    static func sample(_ number: Int) -> Instance {
        Instance(host: .address(.v4(UInt32(number))), port: 1)
    }
}

extension InstanceKey {
    static func sample(_ number: Int) -> InstanceKey { InstanceKey("\(number)") }
}

extension Reading {
    /// Instances that are equal to those of `sample`.
    static func sample(_ name: String, _ numbers: [Int], position: Position? = nil) -> Reading {
        let instances = Dictionary(uniqueKeysWithValues: numbers.map { (InstanceKey.sample($0), Instance.sample($0)) })
        return Reading(
            .services(instances.isEmpty ? [:] : [ServiceID(name: name, protocol: "dubbo"): instances]),
            position: position)
    }
}

extension RegistryChange {
    static func added(_ name: String, _ number: Int, at position: Position) -> RegistryChange {
        .instance(
            InstanceChange(
                ServiceID(name: name, protocol: "dubbo"), .sample(number), .sample(number), position: position))
    }

    static func removed(_ name: String, _ number: Int, at position: Position) -> RegistryChange {
        .instance(InstanceChange(ServiceID(name: name, protocol: "dubbo"), .sample(number), nil, position: position))
    }
}

/// What is made of events: the last good view, and the one that is staged between `begin` and `complete`.
struct View {
    private typealias Names = [String: [InstanceKey: Instance]]

    private var live: Names = [:]
    private var staged: Names?
    /// The names that were answered since `begin`.
    private var answered: Set<String> = []
    private var isInterrupted = true
    /// What no source may do.
    private(set) var violations: [String] = []
    private(set) var isComplete = false
    private(set) var unreadable: Set<String> = []

    subscript(name: String) -> [InstanceKey: Instance] { live[name] ?? [:] }

    var names: Set<String> { Set(live.filter { !$0.value.isEmpty }.keys) }

    mutating func take(_ event: SourceEvent) {
        switch event {
        case .begin:
            staged = [:]
            answered = []
            isInterrupted = false
        case .complete:
            guard let staged else { return violations.append("complete without begin") }
            live = staged
            self.staged = nil
            isComplete = true
        case .interrupted:
            staged = nil
            isInterrupted = true
            isComplete = false
        case .services(let name, let services):
            checkOrder(of: name)
            unreadable.remove(name)
            let instances = services.values.reduce(into: [:]) { $0.merge($1) { $1 } }
            if staged != nil { staged?[name, default: [:]].merge(instances) { $1 } } else { live[name] = instances }
        case .unreadable(let name, _, _):
            checkOrder(of: name)
            unreadable.insert(name)
            if staged != nil { staged?[name, default: [:]].merge(live[name] ?? [:]) { staged, _ in staged } }
        case .added(let id, let key, let instance):
            if isInterrupted { violations.append("an event between interrupted and begin") }
            live[id.name, default: [:]][key] = instance
            if staged != nil { staged?[id.name, default: [:]][key] = instance }
        case .removed(let id, let key, _):
            if isInterrupted { violations.append("an event between interrupted and begin") }
            live[id.name]?[key] = nil
            staged?[id.name]?[key] = nil
        case .notes: break
        }
    }

    private mutating func checkOrder(of name: String) {
        if isInterrupted { violations.append("\(name) between interrupted and begin") }
        if staged != nil, !answered.insert(name).inserted { violations.append("\(name) twice in a frame") }
    }
}

extension SourceEvent {
    var text: String {
        switch self {
        case .begin: "begin"
        case .services(let name, let services): "\(name): \(services.values.flatMap(\.values).texts)"
        case .unreadable(let name, _, _): "\(name) is unreadable"
        case .complete: "complete"
        case .interrupted: "interrupted"
        case .added(let id, _, let instance): "\(id.name) + \(instance.text)"
        case .removed(let id, _, _): "\(id.name) -"
        case .notes(let notes): "notes: \(notes.map { "\($0.count) \($0.sort)" }.joined(separator: ", "))"
        }
    }
}

extension Instance {
    /// The number of a sample.
    var text: String { "\(host)".split(separator: ".").last.map(String.init) ?? "" }
}

extension [Instance] {
    var texts: String { map(\.text).sorted().joined(separator: " ") }
}
