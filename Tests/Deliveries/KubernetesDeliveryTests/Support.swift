import Deliveries
import Foundation
import IsthmusTesting
import IstioAPI
import JSON
import Kubernetes
import KubernetesDelivery
import Logging
import Planning
import Sandbox

/// An API server in memory, what should be in it, and a delivery that sees to it.
struct World: Sendable {
    static let namespace = "dubbo"
    static let ownership = Ownership(
        labels: ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"],
        annotationPrefix: "isthmus.mesh/")

    let server: APIServer
    let wishes = Wishes()

    static func run(
        kinds: [ResourceStore.Kind] = .standard, namespaces: [String] = [],
        now: @escaping @Sendable () -> Date = { Date() }, _ body: @Sendable (World) async throws -> Void
    ) async throws {
        try await withAPIServer(APIServer(kinds: kinds, namespaces: [namespace] + namespaces, now: now)) {
            try await body(World(server: $0))
        }
    }

    /// A delivery runs while the body runs.
    /// - Parameters:
    ///   - pause: After a burst of writes; `nil` where writes are not paced.
    ///   - rootNamespace: istiod's own.
    ///   - hosts: Whose other owners are looked for.
    ///   - manifests: Where published objects may stand.
    ///   - clock: Of the delivery.
    ///   - isClientHasty: Whether that is its client's too where it is the hasty one. A request may then take 0.6 s.
    func withDelivery(
        workers: Int? = nil, pause: Duration? = nil, leadership: (any Leadership)? = nil,
        resyncInterval: Duration? = nil,
        usesWorkloads: Bool = false, rootNamespace: String = ClusterDelivery.standardRootNamespace,
        hosts: HostScope? = nil, manifests: ManifestScope = ManifestScope(),
        clock: any Clock<Duration> = ContinuousClock(), isClientHasty: Bool = true,
        _ body: @Sendable (ClusterDelivery) async throws -> Void
    ) async throws {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let configuration = ClusterConfiguration(server: try await server.address.url)
        let client =
            if isClientHasty, let clock = clock as? HastyClock {
                try KubernetesClient(configuration, userAgent: "test", logger: silent, clock: clock)
            } else {
                try KubernetesClient(configuration, userAgent: "test", logger: silent)
            }
        let delivery = ClusterDelivery(
            name: "test", client: client, namespace: Self.namespace, ownership: Self.ownership,
            hosts: hosts, rootNamespace: rootNamespace, usesWorkloads: usesWorkloads,
            manifests: manifests, concurrency: workers.map { $0...$0 } ?? ClusterDelivery.standardConcurrency,
            pause: pause, leadership: leadership, resyncInterval: resyncInterval, logger: silent, clock: clock)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await delivery.run(desired: wishes) }
                defer { group.cancelAll() }
                try await body(delivery)
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    /// A delivery that doesn't run, for the commands that look once.
    func withIdleDelivery(hosts: HostScope?, _ body: (ClusterDelivery) async throws -> Void) async throws {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let client = try KubernetesClient(
            ClusterConfiguration(server: try await server.address.url), userAgent: "test", logger: silent)
        do {
            try await body(
                ClusterDelivery(
                    name: "test", client: client, namespace: Self.namespace, ownership: Self.ownership, hosts: hosts,
                    logger: silent))
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    /// Changes what should be, and tells the delivery.
    func wish(_ entries: ServiceEntry..., of delivery: ClusterDelivery) {
        for entry in entries { wishes[entry.key] = .present(entry) }
        delivery.changed(entries.map(\.key))
    }

    func wish(absent name: String, of delivery: ClusterDelivery) {
        wishes[.in(name)] = .absent
        delivery.changed([.in(name)])
    }

    /// Returns when the cluster's object has this specification.
    func wait(for entry: ServiceEntry) async throws {
        try await server.wait { $0.spec(entry.key.name) == entry.spec }
    }

    func waitUntilGone(_ name: String) async throws {
        try await server.wait { $0.spec(name) == nil }
    }

    // MARK: Somebody else

    func patch(_ name: String, _ patch: JSONValue) async throws {
        try await server.perform(
            ResourceStore.Request(.patch, .serviceEntry, namespace: Self.namespace, name: name, body: patch))
    }

    func delete(_ name: String) async throws {
        try await server.perform(
            ResourceStore.Request(.delete, .serviceEntry, namespace: Self.namespace, name: name))
    }

    func create(_ entry: ServiceEntry, labels: [String: String] = [:]) async throws {
        var foreign = entry
        foreign.labels = labels
        try await server.perform(
            ResourceStore.Request(.create, .serviceEntry, namespace: Self.namespace, body: foreign.json(version: "v1")))
    }

    /// From now on the delivery isn't told of changes: its watch ends, and no other one is opened.
    func blindfold() async throws {
        try await server.waitForRequests { $0[.watch, "serviceentries"] > 0 }
        let watches = await server.requestCounts[.watch, "serviceentries"]
        await server.inject(.respond(status: 500), times: .max, where: { $0.verb == .watch })
        await server.closeWatches()
        try await server.waitForRequests { $0[.watch, "serviceentries"] > watches }
    }
}

/// What should be, and what became of it.
final class Wishes: DesiredState {
    private struct State {
        var wanted: [ResourceKey: Wanted] = [:]
        var seeded: [ActualObject] = []
        var found: Set<ResourceKey> = []
        var receipts: [Receipt] = []
    }

    private let state = Observed(State())

    subscript(key: ResourceKey) -> Wanted {
        get { state.value.wanted[key] ?? .undecided }
        set { state.change { $0.wanted[key] = newValue } }
    }

    /// Changes several at once: nobody sees some of them changed.
    func change(_ changes: [ResourceKey: Wanted]) {
        state.change { $0.wanted.merge(changes) { $1 } }
    }

    var seeded: [ActualObject] { state.value.seeded }
    var receipts: [Receipt] { state.value.receipts }

    func seed(_ objects: [ActualObject], from delivery: String) async {
        state.change { $0.seeded = objects }
    }

    func found(_ objects: [ActualObject]) async { state.change { $0.found.formUnion(objects.map(\.key)) } }

    func waitForFound(_ keys: Set<ResourceKey>) async { await state.wait { $0.found == keys } }

    func wanted(_ key: ResourceKey) async -> Wanted { self[key] }

    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? {
        let wanted = state.value.wanted
        let service = WorkloadEntry.serviceEntry(ofWorkload: key).flatMap { wanted[$0]?.resource }
        return WorkloadDeparture(wanted[key] ?? .undecided, of: service)
    }

    func adopt(_ objects: [ActualObject], from delivery: String) async {}

    func everyKey() async -> [ResourceKey] {
        state.value.wanted.filter { $0.value.resource != nil }.map(\.key)
    }

    func delivered(_ receipt: Receipt) async { state.change { $0.receipts.append(receipt) } }

    func settled() async {}

    /// Returns when the receipts are as wanted.
    func wait(until holds: @escaping @Sendable ([Receipt]) -> Bool) async { await state.wait { holds($0.receipts) } }

    func waitForRefusal(of name: String) async {
        await wait { $0.contains { $0.key.name == name && $0.refusal != nil } }
    }

    /// Returns when field conflicts were told of this often.
    func waitForConflicts(_ count: Int) async {
        await wait { $0.count { $0.conflict != nil } >= count }
    }
}

extension ClusterDelivery {
    /// Returns when no more than this many resources wait for a look or a write.
    func settle(waiting: Int = 0) async throws {
        try await yield(while: report(limit: 0).pending > waiting)
    }

    /// Returns when this many resources fail.
    func waitForFailures(_ count: Int) async throws {
        try await yield(while: report(limit: 0).failureCount != count)
    }
}

extension Receipt {
    var refusal: String? {
        if case .refused(let reason) = outcome { reason } else { nil }
    }

    var conflict: String? {
        if case .fieldConflict(let reason) = outcome { reason } else { nil }
    }
}

extension ResourceKey {
    static func `in`(_ name: String) -> ResourceKey { ResourceKey(namespace: World.namespace, name: name) }
}

extension ServiceEntry {
    /// One that 10.0.0.`endpoints` serve.
    static func sample(_ name: String, _ endpoints: Int...) -> ServiceEntry {
        ServiceEntry(
            key: .in(name), labels: World.ownership.labels, annotations: ["isthmus.mesh/service": name],
            hosts: ["\(name).example"], addresses: ["240.16.0.1"],
            ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            endpoints: endpoints.map { .init(address: "10.0.0.\($0)", ports: ["tcp-dubbo": 20880]) })
    }
}

extension ResourceStore {
    func object(_ name: String) -> JSONValue? {
        object(.serviceEntry, namespace: World.namespace, name: name).map { .object($0) }
    }

    func spec(_ name: String) -> JSONValue? { object(name)?["spec"] }
}
