import Addressing
import Catalog
import Deliveries
import Dubbo
import Foundation
import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Logging
import Pipeline
import Planning
import Services
import Sources
import Status
import Synchronization
import Testing
import Translation

@testable import Bridge

/// A delivery that writes into a dictionary. It asks like a real one: only for what it was told of.
final class FakeCluster: StatefulDelivery {
    fileprivate struct State {
        var told: Set<ResourceKey> = []
        var objects: [ResourceKey: ActualObject] = [:]
        var writes = 0
        var isLed = false
    }

    static let ownership = Ownership(
        labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: "main"], annotationPrefix: OwnerMark.prefix
    )

    let name: String
    private let state: Mutex<State>

    init(name: String = "cluster", objects: [ResourceKey: ActualObject] = [:]) {
        self.name = name
        state = Mutex(State(objects: objects))
    }

    var objects: [ResourceKey: ActualObject] { state.withLock { $0.objects } }
    var writes: Int { state.withLock { $0.writes } }
    var ownership: Ownership { Self.ownership }

    func report(limit: Int) -> DeliveryReport {
        DeliveryReport(leadership: state.withLock { $0.isLed } ? .leading : .notElected)
    }

    /// Replicas share it, and this one is elected to write.
    func leads(_ isLed: Bool = true) { state.withLock { $0.isLed = isLed } }

    func run(desired: any DesiredState) async {}

    func owned() -> [ActualObject] { objects.values.filter { Self.ownership.covers($0) } }

    func object(_ key: ResourceKey) -> ActualObject? { objects[key] }

    func carryOut(_ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void) async {
        for change in changes { await report(change, .done(state.withLock { $0.carryOut(change.change) })) }
    }

    func changed(_ keys: [ResourceKey]) {
        state.withLock { $0.told.formUnion(keys) }
    }

    /// Somebody else makes, changes or removes an object.
    func put(_ object: ActualObject?, at key: ResourceKey) {
        state.withLock { state in
            state.objects[key] = object
            state.told.insert(key)
        }
    }

    /// The first list is complete. It has what carries our labels.
    func begin(_ desired: any DesiredState) async {
        await desired.seed(owned(), from: name)
        state.withLock { $0.told.formUnion($0.objects.keys) }
        await settle(desired)
    }

    /// Does all that there is to do.
    func settle(_ desired: any DesiredState) async {
        while let key = state.withLock({ $0.told.popFirst() }) {
            let wanted = await desired.wanted(key)
            if wanted == .undecided { continue }
            state.withLock { state in
                let change = Change.plan(
                    desired: wanted.resource, actual: state.objects[key], ownership: Self.ownership)
                _ = state.carryOut(change)
            }
        }
    }

    /// The addresses that calls of an object's host go to; `nil` where there is no object.
    func endpoints(_ name: String) -> [String]? {
        let objects = objects
        return objects[ResourceKey(namespace: "dubbo", name: name)].map { entry in
            Istiod(objects.values.map(\.asCreated)).addresses(of: entry.configObject)
        }
    }

    /// What tells an object from an earlier one of its name.
    func uid(_ key: ResourceKey) -> Int? { objects[key]?.uid }

    /// The objects' names and bytes, without what the API server adds.
    var content: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: objects.map { ($0.key.name, $0.value.spec.bytes) })
    }
}

private struct FakeRevision: Hashable {
    var uid: Int
    var version: Int
}

extension ActualObject {
    fileprivate var uid: Int? { revision?.content(as: FakeRevision.self)?.uid }

    /// As istiod reads it: which of two is older counts.
    var asCreated: ConfigObject {
        var object = configObject
        object.created = String(format: "%09d", uid ?? 0)
        return object
    }
}

extension Istiod {
    /// The addresses that calls of an entry's host go to. What a client would complain about is an issue.
    func addresses(of entry: ConfigObject, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        #expect(complaints(from: "shop") == [], sourceLocation: sourceLocation)
        return view(from: "shop", through: .sidecar).endpoints(of: entry).map(\.address)
    }
}

extension FakeCluster.State {
    fileprivate mutating func carryOut(_ change: Change) -> Receipt.Outcome? {
        switch change {
        case .none: return nil
        case .conflict(let reason): return .refused(reason: reason)
        case .create(let entry):
            writes += 1
            objects[entry.key] = ActualObject(
                key: entry.key, revision: Revision(FakeRevision(uid: writes, version: writes)), labels: entry.labels,
                annotations: entry.annotations, spec: entry.spec)
            return .created(change.push())
        case .patch(let actual, let patch):
            writes += 1
            objects[actual.key] = actual.applying(
                patch, revision: Revision(FakeRevision(uid: actual.uid ?? writes, version: writes)))
            return .updated(change.push())
        case .delete(let actual):
            writes += 1
            objects[actual.key] = nil
            return .deleted(change.push())
        }
    }
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

extension PipelineActor {
    static func sample(
        _ clusters: FakeCluster..., registries: [String] = ["zk"],
        policy: TranslationPolicy = .init(namespace: "dubbo"), guardPolicy: GuardPolicy? = nil,
        clock: any Clock<Duration> = ManualClock(), followsAny: @escaping @Sendable (Bool) -> Void = { _ in }
    ) -> PipelineActor {
        PipelineActor(
            policy: policy, guardPolicy: guardPolicy, registries: registries, deliveries: clusters,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock,
            followsAny: followsAny)
    }

    /// The registries as the status of the bridge has them.
    var registries: [RegistryStatus] {
        let overview = overview(problemLimit: 0)
        return overview.registries.map { RegistryStatus($0, overview.standing[$0.name] ?? .init(), now: now) }
    }

    /// A full read that says that these hosts of 10.0.0.0/24 serve these interfaces.
    func read(
        _ services: [String: [UInt8]], from registry: String = "zk", meanwhile: @Sendable () -> Void = {}
    ) {
        accept(.begin, from: registry)
        meanwhile()
        for (name, hosts) in services.sorted(by: { $0.key < $1.key }) {
            let id = ServiceID(name: name, protocol: .dubbo)
            let instances = hosts.map { (InstanceKey("\(name)-\($0)"), Instance.sample($0)) }
            accept(.services(name: name, [id: Dictionary(uniqueKeysWithValues: instances)]), from: registry)
        }
        accept(.complete, from: registry)
    }

    func add(_ name: String, _ host: UInt8, in registry: String = "zk") {
        accept(
            .added(ServiceID(name: name, protocol: .dubbo), InstanceKey("\(name)-\(host)"), .sample(host)),
            from: registry)
    }

    func remove(_ name: String, _ host: UInt8, in registry: String = "zk") {
        accept(.removed(ServiceID(name: name, protocol: .dubbo), InstanceKey("\(name)-\(host)")), from: registry)
    }
}

extension Instance {
    static func sample(_ host: UInt8) -> Instance {
        Instance(host: .address(.v4(0x0A00_0000 | UInt32(host))), port: 20880)
    }
}
