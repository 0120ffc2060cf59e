import Addressing
import Bridge
import Catalog
import Concurrency
import Deliveries
import Dubbo
import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Pipeline
import Planning
import Services
import Snapshot
import Sources
import Translation

/// Two registries, a cluster and the bridge between them, to which things happen at random while an oracle looks on.
struct ModelRun {
    static let retention = Duration.seconds(240)
    /// The service whose name an object of somebody else has in the cluster.
    static let taken = "com.acme.Taken"
    static let ids =
        (0..<9).flatMap { index in
            ["", "2"].prefix(index % 3 == 0 ? 2 : 1).map {
                ServiceID(name: "com.acme.S\(index)", protocol: .dubbo, version: $0)
            }
        } + [ServiceID(name: taken, protocol: .dubbo)]

    var random: SeededGenerator
    var registries = ["zk", "nacos"].map { ModelRegistry(name: $0) }
    var oracle = ModelOracle(registries: ["zk", "nacos"])
    let cluster: FakeCluster
    let clock = ManualClock()
    let stopwatch: Stopwatch
    let foreign: [ResourceKey: ActualObject]
    let mesh: MeshMode
    /// Of more endpoints each is an object of its own.
    let inlineLimit: Int
    var pipeline: PipelineActor
    var expiry: Task<Void, Never>?
    var isLeading = true
    /// What was remembered at some time before.
    var snapshot: [SnapshotRecord] = []
    /// Instances that were lost together and may come back.
    var gone: [(registry: Int, registration: ModelRegistry.Registration)] = []
    /// What may have become unwanted since the cluster was last written to: it goes also where the service has
    /// meanwhile come back, with entries of other names.
    var expired: Set<ResourceKey> = []
    /// What the cluster had when it was last looked at.
    var objects: [ResourceKey: ActualObject] = [:]
    var delivered: Set<ModelOracle.Claim> = []
    var problems: [String] = []
    /// What happened, for people.
    var history: [String] = []

    init(seed: UInt64, mesh: MeshMode) async {
        self.mesh = mesh
        random = SeededGenerator(seed: seed)
        foreign = Self.foreignObjects
        cluster = FakeCluster(objects: foreign)
        stopwatch = Stopwatch(clock)
        inlineLimit = Bool.random(using: &random) ? 8 : 1000
        pipeline = Self.newPipeline(cluster, clock, mesh, inlineLimit: inlineLimit)
        for index in registries.indices {
            for _ in 0..<70 { register(at: index) }
        }
        await start(recalling: nil)
    }

    var now: Duration { stopwatch.elapsed }

    private static func newPipeline(
        _ cluster: FakeCluster, _ clock: ManualClock, _ mesh: MeshMode, inlineLimit: Int
    ) -> PipelineActor {
        var policy = TranslationPolicy(
            namespace: "dubbo", inlineLimit: .init(endpoints: inlineLimit), emptyRetention: retention)
        policy.mesh = mesh
        // Without effect in ambient.
        if mesh == .ambient { policy.exportTo = ["."] }
        return .sample(
            cluster, registries: ["zk", "nacos"], policy: policy, guardPolicy: GuardPolicy(), clock: clock)
    }

    /// One has a name that is wanted, one the labels of another installation, one nothing to do with anything.
    private static var foreignObjects: [ResourceKey: ActualObject] {
        let others = [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: "other"]
        let objects = [(taken.lowercased(), [:]), ("com.acme.s1.p-rest", others), ("shop", ["team": "shop"])].map {
            ActualObject(
                key: ResourceKey(namespace: "dubbo", name: $0), revision: Revision("of-\($0)"), labels: $1,
                annotations: [:], spec: ["hosts": [.string($0)], "endpoints": []])
        }
        return Dictionary(uniqueKeysWithValues: objects.map { ($0.key, $0) })
    }

    // MARK: The bridge's life

    /// - Parameter isOld: Whether things may have happened since the snapshot.
    mutating func start(recalling snapshot: [SnapshotRecord]?, isOld: Bool = false) async {
        expiry?.cancel()
        await expiry?.value
        pipeline = Self.newPipeline(cluster, clock, mesh, inlineLimit: inlineLimit)
        for index in registries.indices { registries[index].restart() }
        oracle.restarted(memories(snapshot ?? []), now: now)
        if snapshot == nil { oracle.forgets(since: now) } else if isOld { oracle.forgets(since: nil) }
        if let snapshot { await pipeline.recall(snapshot) }
        await cluster.begin(pipeline)
        isLeading = true
        expiry = Task { [pipeline] in await pipeline.expireEmptyEntries() }
        await clock.someoneSleeps()
    }

    private func memories(_ snapshot: [SnapshotRecord]) -> [ServiceID: ModelOracle.Memory] {
        var memories: [ServiceID: ModelOracle.Memory] = [:]
        // WorkloadEntries that no entry selects say nothing, as to istiod.
        for object in cluster.owned() where object.key.kind == .serviceEntry {
            guard let id = Self.service(of: object) else { continue }
            let registries = (object.annotations[OwnerMark.registries] ?? "").split(separator: ",").map(String.init)
            memories[id, default: .init()].registries.formUnion(registries)
        }
        for seed in Self.seeds(in: cluster.owned()) {
            memories[seed.id, default: .init()].registries.formUnion(seed.registries)
            memories[seed.id]?.note(seed)
        }
        for claim in claims(in: cluster.objects) { memories[claim.id, default: .init()].claims.insert(claim) }
        let isClusterEmpty = memories.isEmpty
        for record in snapshot {
            memories[record.id, default: .init()].registries.formUnion(record.registries)
            // It may be old: where the cluster has anything, the cluster says what there was.
            if !isClusterEmpty { continue }
            let claims = record.instances.map { ModelOracle.Claim(id: record.id, endpoint: $0.endpoint) }
            memories[record.id, default: .init()].claims.formUnion(claims)
            memories[record.id]?.note(
                ServiceSeed(
                    id: record.id, registries: record.registries, instances: record.instances,
                    announcers: record.announcers))
        }
        return memories
    }

    mutating func remember() async {
        snapshot = []
        while true {
            let page = await pipeline.snapshotPage(after: snapshot.last?.id, limit: 4)
            if page.isEmpty { return }
            snapshot += page
        }
    }

    mutating func end() async {
        expiry?.cancel()
        await expiry?.value
    }

    // MARK: Between the registries and the bridge

    mutating func tell(_ events: [SourceEvent], from index: Int) async {
        for event in events {
            oracle.hears(event, from: registries[index].name, now: now)
            await pipeline.accept(event, from: registries[index].name)
        }
        // What waits is judged, now that the settle time passes.
        clock.advance(by: .milliseconds(500))
        await pipeline.wake()
        oracle.settles(now: now)
    }

    /// What the bridge asks a registry for. It is added to, so that nobody waits for a question.
    func request(of index: Int) async -> ReadRequests.Request? {
        guard let requests = pipeline.readRequests[registries[index].name] else { return nil }
        requests.read([""])
        let request = await requests.makeAsyncIterator().next()
        guard case .names(let names) = request else { return request }
        return names == [""] ? nil : .names(names.filter { !$0.isEmpty })
    }

    // MARK: Looking

    /// Has the cluster written, if it can be, and looks at what has come of it.
    mutating func look() async {
        oracle.looks(now: now)
        if isLeading { await cluster.settle(pipeline) }
        let gone = notice()
        if isLeading { problems += oracle.violations(gone: gone, delivered: delivered, exempt: Self.taken, now: now) }
    }

    /// Takes over what the cluster has now.
    /// - Returns: What it had and hasn't any more.
    private mutating func notice() -> Set<ModelOracle.Claim> {
        let present = cluster.objects
        for (key, object) in foreign where present[key] != object {
            problems.append("\(key) is somebody else's and was changed")
        }
        let changed = Set(present.keys).union(objects.keys).filter { objects[$0] != present[$0] }
        if !changed.isEmpty, !isLeading { problems.append("something was written by a replica that does not lead") }
        for key in changed where present[key] == nil && key.kind == .serviceEntry {
            guard let id = objects[key].flatMap({ Self.service(of: $0) }) else { continue }
            if !expired.contains(key), !mayExpire(id) {
                problems.append("\(key) was removed before it was empty for \(Self.retention)")
            }
        }
        expired.subtract(changed)
        // What nobody wants goes only where everything is followed.
        if isLeading, oracle.isFollowed { expired = [] }
        let before = delivered
        if !changed.isEmpty {
            delivered = Set(claims(in: present))
            problems += Istiod(present.values.map(\.asCreated)).complaints(from: "shop")
        }
        objects = present
        return changed.isEmpty ? [] : before.subtracting(delivered)
    }

    mutating func noteExpired() {
        let expirable = cluster.objects.filter { $0.key.kind == .serviceEntry }.filter {
            Self.service(of: $0.value).map { mayExpire($0) } ?? false
        }
        expired.formUnion(expirable.keys)
    }

    private func mayExpire(_ id: ServiceID) -> Bool {
        oracle.mayExpire(id, retention: Self.retention, now: now)
    }

    /// An object is like this now.
    mutating func take(_ object: ActualObject?, at key: ResourceKey) {
        objects[key] = object
        delivered = Set(claims(in: objects))
    }

    static func service(of object: ActualObject) -> ServiceID? {
        object.annotations[OwnerMark.service].flatMap { ServiceID($0) }
    }

    /// Where the calls of a client go, service by service.
    func claims(in objects: [ResourceKey: ActualObject]) -> [ModelOracle.Claim] {
        let istiod = Istiod(objects.values.map(\.asCreated))
        let view = istiod.view(from: "shop", through: mesh == .ambient ? .ztunnel : .sidecar)
        return objects.values.filter { $0.key.kind == .serviceEntry }.flatMap { entry -> [ModelOracle.Claim] in
            guard let id = Self.service(of: entry) else { return [] }
            return view.endpoints(of: entry.configObject).compactMap { Endpoint($0) }.map {
                .init(id: id, endpoint: $0)
            }
        }
    }
}

extension ModelOracle.Memory {
    /// Takes over who announced what. Another source may name more registries, of other claims.
    mutating func note(_ seed: ServiceSeed) {
        for instance in seed.instances {
            let claim = ModelOracle.Claim(id: seed.id, endpoint: instance.endpoint)
            let names = seed.announcers[instance.endpoint] ?? seed.registries
            if !names.isEmpty { announcers[claim, default: []].formUnion(names) }
        }
    }
}

extension Endpoint {
    fileprivate init?(_ endpoint: MeshView.Endpoint) {
        guard let address = IPAddress(endpoint.address) else { return nil }
        self.init(host: .address(address), port: endpoint.port)
    }
}
