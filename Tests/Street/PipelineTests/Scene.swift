import Addressing
import Catalog
import Deliveries
import Dubbo
import IstioAPI
import Planning
import Services
import Snapshot
import Sources
import Translation

@testable import Pipeline

/// A state machine between registries and clusters that a test plays. All of it is values: there is no task, no lock
/// and no clock.
struct Scene: Sendable {
    var machine: PipelineStateMachine
    private(set) var now = Duration.zero
    /// The order is that of the configuration.
    var clusters: [Cluster]
    /// Another delivery is led by this replica.
    var leadsElsewhere = false
    /// The requests that no source has taken yet.
    private var reads: [PipelineEffects.Read] = []
    private(set) var reports: [PipelineReport] = []
    private(set) var follows: [Bool] = []
    private var expiry: Duration?

    init(
        _ clusters: Cluster..., registries: [String] = ["zk"],
        policy: TranslationPolicy = .init(namespace: "dubbo"), guardPolicy: GuardPolicy? = nil,
        limits: PipelineLimits = PipelineLimits()
    ) {
        self.clusters = clusters.isEmpty ? [Cluster()] : clusters
        machine = PipelineStateMachine(
            policy: policy, guardPolicy: guardPolicy, limits: limits, registries: registries,
            deliveries: self.clusters.map(\.name))
    }

    /// The first cluster.
    var cluster: Cluster {
        get { clusters[0] }
        set { clusters[0] = newValue }
    }

    private mutating func perform(_ effects: PipelineEffects) {
        for index in clusters.indices { clusters[index].told.formUnion(effects.changed) }
        reads += effects.reads
        reports += effects.reports
        if let followsAny = effects.followsAny { follows.append(followsAny) }
    }

    /// What a registry is asked to read next.
    mutating func nextRead(_ registry: String = "zk") -> PipelineEffects.Read.Extent? {
        guard let index = reads.firstIndex(where: { $0.registry == registry }) else { return nil }
        return reads.remove(at: index).extent
    }
}

// MARK: - Registries

extension Scene {
    mutating func accept(_ event: SourceEvent, from registry: String = "zk") {
        perform(machine.accept(event, from: registry, now: now))
    }

    /// A full read that says that these hosts of 10.0.0.0/24 serve these interfaces.
    /// - Parameter time: How long it takes.
    mutating func read(_ services: [String: [UInt8]], from registry: String = "zk", taking time: Duration = .zero) {
        accept(.begin, from: registry)
        now += time
        for (name, hosts) in services.sorted(by: { $0.key < $1.key }) {
            let instances = hosts.map { (InstanceKey("\(name)-\($0)"), Instance.sample($0)) }
            accept(
                .services(
                    name: name, [ServiceID(name: name, protocol: .dubbo): Dictionary(uniqueKeysWithValues: instances)]),
                from: registry)
        }
        accept(.complete, from: registry)
    }

    mutating func add(_ name: String, _ host: UInt8, in registry: String = "zk") {
        accept(
            .added(ServiceID(name: name, protocol: .dubbo), InstanceKey("\(name)-\(host)"), .sample(host)),
            from: registry)
    }

    mutating func remove(_ name: String, _ host: UInt8, in registry: String = "zk") {
        accept(.removed(ServiceID(name: name, protocol: .dubbo), InstanceKey("\(name)-\(host)")), from: registry)
    }

    /// - Returns: `nil` where there was nothing to let go.
    mutating func release(_ registry: String = "zk", service: String? = nil) -> CatalogStore.Release? {
        guard let (release, effects) = machine.release(registry, service: service, now: now) else { return nil }
        perform(effects)
        return release
    }

    func hold(of registry: String = "zk") -> CatalogStore.HoldReport? {
        machine.overview(problemLimit: 0).registries.first { $0.name == registry }?.hold
    }
}

// MARK: - Clusters

extension Scene {
    /// A cluster's first list is complete: the machine is told of what carries our labels, and the cluster asks for
    /// each object.
    mutating func begin(_ index: Int = 0) {
        let cluster = clusters[index]
        perform(machine.seed(cluster.owned, from: cluster.name, now: now))
        clusters[index].told.formUnion(cluster.objects.keys)
        settle(index)
    }

    /// The cluster asks for everything that it was told of, and writes it.
    mutating func settle(_ index: Int = 0) {
        while let key = clusters[index].told.popFirst() {
            let wanted = wanted(key)
            if wanted != .undecided { clusters[index].write(wanted.resource, at: key) }
        }
    }

    mutating func wanted(_ key: ResourceKey) -> Wanted {
        let (wanted, effects) = machine.wanted(key)
        perform(effects)
        return wanted
    }

    mutating func wanted(_ name: String) -> Wanted { wanted(ResourceKey(namespace: "dubbo", name: name)) }

    /// This replica takes over from another one that wrote to the cluster.
    mutating func adopt(_ index: Int = 0) {
        perform(machine.adopt(clusters[index].owned, leadsElsewhere: leadsElsewhere, now: now))
    }
}

// MARK: - Snapshot

extension Scene {
    mutating func snapshot() -> [SnapshotRecord] {
        let (records, effects) = machine.snapshotPage(after: nil, limit: .max, now: now)
        perform(effects)
        return records
    }

    mutating func recall(_ records: [SnapshotRecord]) {
        perform(machine.recall(records, now: now))
    }
}

// MARK: - Time

extension Scene {
    /// The next time at which the owner of the machine would be woken.
    var nextWake: Duration? {
        let expiry = expiry ?? max(machine.nextExpiry(now: now), now + .seconds(1))
        return [expiry, machine.deadline(now: now), machine.nextWake].compactMap(\.self).min()
    }

    /// Time passes, and the machine is woken as its owner would do it.
    mutating func pass(_ time: Duration) {
        let end = now + time
        repeat {
            if expiry == nil { expiry = max(machine.nextExpiry(now: now), now + .seconds(1)) }
            now = min(end, max(now, nextWake ?? end))
            perform(machine.stopWaiting(now: now))
            if let expiry, expiry <= now {
                perform(machine.expire(now: now))
                self.expiry = nil
            }
            if let time = machine.nextWake, time <= now { perform(machine.wake(now: now)) }
        } while now < end
    }
}

extension Instance {
    /// `dubbo` on 10.0.0.`host`:20880.
    static func sample(_ host: UInt8) -> Instance {
        Instance(host: .address(.v4(0x0A00_0000 | UInt32(host))), port: 20880)
    }
}

extension Collection where Element == UInt8 {
    var addresses: Set<String> { Set(map { "10.0.0.\($0)" }) }
}

extension TranslationPolicy {
    /// With Dubbo's formats.
    init(
        instance: String = "main", namespace: String, addresses: AddressPolicy = .block(defaultBlock),
        inlineLimit: InlineLimit = InlineLimit(), emptyRetention: Duration = .seconds(3600), allowedHosts: [String] = []
    ) {
        self.init(
            instance: instance, namespace: namespace, formats: [.dubbo], addresses: addresses,
            inlineLimit: inlineLimit, emptyRetention: emptyRetention, allowedHosts: allowedHosts)
    }
}

extension PipelineReport {
    var name: String {
        switch self {
        case .deliveryReady: "ready"
        case .begunWithout: "begun without"
        case .holdBegan: "held"
        case .holdEnded: "ended"
        case .holdReleased: "released"
        case .notDelivered: "not delivered"
        }
    }
}
