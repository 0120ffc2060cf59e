import Addressing
import Catalog
import Services
import Sources

/// A registry whose providers come and go at given times, under a guard that is woken when it asks for it.
struct GuardSimulation {
    /// A process: it serves interfaces at one address.
    struct Pod: Hashable {
        var number: Int
        var services: [ServiceID]
    }

    struct Change {
        var time: Duration
        var pod: Pod
        var isThere: Bool
    }

    /// How one look found the mesh.
    struct Look {
        var time: Duration
        /// The endpoints that stood, of those that were expected to.
        var standing: Int
        var isHeld: Bool
    }

    private(set) var store: CatalogStore
    private(set) var now = Duration.zero
    private(set) var present: Set<Pod> = []
    private(set) var looks: [Look] = []
    /// How long the removal of each pod that goes took to be accepted.
    private(set) var delays: [Pod: Duration] = [:]
    private var leaving: [Pod: Duration] = [:]
    /// The names that are to be read, gathered for a while.
    private var toRead: Set<String> = []
    private var nextRead = Duration.zero
    /// The calls of a consumer that picks each endpoint of a service in turn, and those that found no process there.
    private(set) var calls = (made: 0, failed: 0)
    /// When the last change was.
    private(set) var end = Duration.zero

    init(_ pods: [Pod], policy: GuardPolicy = GuardPolicy()) {
        store = CatalogStore(registries: ["zk"], policy: policy)
        present = Set(pods)
        var services: [ServiceID: [InstanceKey: Instance]] = [:]
        for pod in pods {
            for id in pod.services { services[id, default: [:]][Self.key(pod)] = Self.instance(pod) }
        }
        apply(.begin)
        for (id, instances) in services { apply(.services(name: id.name, [id: instances])) }
        apply(.complete)
    }

    static func pods(_ numbers: Range<Int>, serving services: (Int) -> [ServiceID]) -> [Pod] {
        numbers.map { Pod(number: $0, services: services($0)) }
    }

    private static func key(_ pod: Pod) -> InstanceKey { InstanceKey("\(pod.number)") }

    private static func instance(_ pod: Pod) -> Instance {
        Instance(host: .address(.v4(0x0A00_0000 | UInt32(pod.number))), port: 20880)
    }

    private mutating func apply(_ event: SourceEvent) {
        let outcome = store.apply(event, from: "zk", now: now)
        answer(outcome)
    }

    private mutating func answer(_ outcome: CatalogStore.Outcome) {
        let names = outcome.reads["zk"] ?? []
        if !names.isEmpty, toRead.isEmpty { nextRead = now + .milliseconds(100) }
        toRead.formUnion(names)
    }

    /// The second reads that were asked for find what the registry shows.
    private mutating func read() {
        defer { toRead = [] }
        for name in toRead.sorted() {
            let pods = present.filter { pod in pod.services.contains { $0.name == name } }
            let instances = Dictionary(uniqueKeysWithValues: pods.map { (Self.key($0), Self.instance($0)) })
            let id = ServiceID(name: name, protocol: .dubbo)
            _ = store.apply(.services(name: name, [id: instances]), from: "zk", now: now)
        }
    }

    /// - Parameters:
    ///   - changes: Sorted by time.
    ///   - watched: The pods whose endpoints are looked at.
    mutating func run(_ changes: [Change], watching watched: [Pod], for rest: Duration = .seconds(30)) {
        looks = []
        end = now + (changes.last?.time ?? .zero)
        let start = now
        var changes = changes[...]
        let finish = end + rest
        var nextLook = now
        var lastChange = now
        while now < finish {
            let times = [
                changes.first.map { start + $0.time }, store.nextWake, nextLook, toRead.isEmpty ? nil : nextRead,
            ].compactMap { $0 }
            now = max(now, times.min() ?? finish)
            if let time = store.nextWake, time <= now {
                answer(store.wake(now: now))
                for pod in leaving.keys { noteDelay(of: pod) }
            }
            if !toRead.isEmpty, nextRead <= now { read() }
            while let change = changes.first, start + change.time <= now {
                changes.removeFirst()
                make(change)
                lastChange = now
                nextLook = min(nextLook, now + .milliseconds(100))
            }
            if nextLook <= now {
                look(at: watched)
                // Where nothing has happened for a while, nothing is to be seen.
                nextLook += now - lastChange < .seconds(2) ? .milliseconds(100) : .seconds(1)
            }
        }
    }

    private mutating func make(_ change: Change) {
        if change.isThere {
            present.insert(change.pod)
            leaving[change.pod] = nil
        } else {
            present.remove(change.pod)
            leaving[change.pod] = now
        }
        for id in change.pod.services {
            let event: SourceEvent =
                change.isThere
                ? .added(id, Self.key(change.pod), Self.instance(change.pod)) : .removed(id, Self.key(change.pod))
            apply(event)
        }
        if !change.isThere { noteDelay(of: change.pod) }
    }

    private func stands(_ pod: Pod, in id: ServiceID) -> Bool {
        let endpoint = Self.instance(pod).endpoint
        return store.service(id).instances.contains { $0.endpoint == endpoint }
    }

    private mutating func noteDelay(of pod: Pod) {
        let id = pod.services[pod.number % pod.services.count]
        guard let time = leaving[pod], !stands(pod, in: id) else { return }
        delays[pod] = now - time
        leaving[pod] = nil
    }

    private mutating func look(at watched: [Pod]) {
        var standing = 0
        for (id, pods) in Self.byService(watched) {
            let endpoints = Set(store.service(id).instances.map(\.endpoint))
            standing += pods.count { endpoints.contains(Self.instance($0).endpoint) }
            let alive = Set(present.lazy.filter { $0.services.contains(id) }.map { Self.instance($0).endpoint })
            calls.made += endpoints.count
            calls.failed += endpoints.subtracting(alive).count
        }
        looks.append(Look(time: now, standing: standing, isHeld: store.report(on: "zk")?.hold != nil))
    }

    /// The first interface of each pod: those of one process come and go together.
    private static func byService(_ pods: [Pod]) -> [ServiceID: [Pod]] {
        Dictionary(grouping: pods) { $0.services[$0.number % $0.services.count] }
    }
}
