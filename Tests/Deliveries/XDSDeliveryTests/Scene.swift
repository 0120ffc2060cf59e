import Addressing
import Deliveries
import Foundation
import IsthmusTesting
import IstioAPI
import Logging
import NIOSSL
import Planning
import Settings
import XDSDelivery

/// A server on a port of its own, and what it is told to deliver.
struct Scene {
    static let ownership = Ownership(labels: ["owner": "us"], annotationPrefix: "isthmus.mesh/")

    let folder: TemporaryFolder
    let reserved: ReservedPort
    var port: Int { reserved.port }
    let wishes = Wishes()
    var settings: XDSSettings

    static func run(
        _ adjust: (inout XDSSettings) -> Void = { _ in }, _ body: (Scene) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder(label: "xds")
        let port = try ReservedPort()
        var settings = XDSSettings(state: folder.path(of: "state"))
        settings.listen.port = port.port
        adjust(&settings)
        try await body(Scene(folder: folder, reserved: port, settings: settings))
    }

    /// Runs a bridge's delivery while the body runs.
    func withDelivery(_ body: (any Delivery) async throws -> Void) async throws {
        let context = DeliveryContext(
            version: "0", instance: "test", ownership: Self.ownership, namespace: "dubbo", usesWorkloads: true,
            leadership: nil, logger: Logger(label: "xds") { _ in SwiftLogNoOpLogHandler() })
        let delivery = try settings.delivery(context)
        wishes.begin(delivery)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await delivery.run(desired: wishes) }
            defer { group.cancelAll() }
            try await body(delivery)
        }
        wishes.delivery = nil
    }

    /// Runs an istiod while the body runs.
    func withIstiod(
        _ revision: String = "default", _ manner: IstiodDouble.Manner = .acknowledging, tls: NIOSSLContext? = nil,
        _ body: (IstiodDouble) async throws -> Void
    ) async throws {
        let istiod = IstiodDouble(port: port, revision: revision, manner: manner, tls: tls)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await istiod.run() }
            defer { group.cancelAll() }
            try await body(istiod)
        }
    }

    static func entry(_ name: String, _ hosts: ClosedRange<Int>? = 1...1) -> ServiceEntry {
        ServiceEntry(
            key: ResourceKey(namespace: "dubbo", name: name), labels: ["owner": "us"],
            annotations: ["isthmus.mesh/registries": "zk"], hosts: ["\(name).mesh"], addresses: ["240.16.0.1"],
            ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            endpoints: (hosts.map(Array.init) ?? []).map {
                .init(address: "10.0.\($0 / 256).\($0 % 256)", ports: ["tcp-dubbo": 20880])
            })
    }
}

/// What should be.
final class Wishes: DesiredState {
    private struct State {
        var wanted: [ResourceKey: Resource] = [:]
        var undecided: Set<ResourceKey> = []
        var seeded: [ActualObject]?
        var isSettled = true
        var delivery: (any Delivery)?
    }

    private let state = Observed(State())

    var delivery: (any Delivery)? {
        get { state.value.delivery }
        set { state.change { $0.delivery = newValue } }
    }

    /// Another delivery begins, which has told nothing yet.
    func begin(_ delivery: any Delivery) {
        state.change { state in
            state.delivery = delivery
            state.seeded = nil
        }
    }

    /// Whether every registry has been read completely.
    var isSettled: Bool {
        get { state.value.isSettled }
        set { state.change { $0.isSettled = newValue } }
    }

    func want(_ entries: ServiceEntry...) { want(entries) }

    func want(_ entries: [ServiceEntry]) {
        state.change { state in for entry in entries { state.wanted[entry.key] = .serviceEntry(entry) } }
        delivery?.changed(entries.map(\.key))
    }

    func drop(_ name: String) {
        let key = ResourceKey(namespace: "dubbo", name: name)
        state.change { $0.wanted[key] = nil }
        delivery?.changed([key])
    }

    /// Of this service nothing is known.
    func forget(_ name: String) {
        let key = ResourceKey(namespace: "dubbo", name: name)
        state.change { state in
            state.wanted[key] = nil
            state.undecided.insert(key)
        }
    }

    func seeds() async -> [ActualObject] {
        await state.wait { $0.seeded != nil }
        return state.value.seeded ?? []
    }

    func seed(_ objects: [ActualObject], from delivery: String) async { state.change { $0.seeded = objects } }
    func adopt(_ objects: [ActualObject], from delivery: String) async {}
    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? { nil }
    func delivered(_ receipt: Receipt) async {}
    func everyKey() async -> [ResourceKey] { Array(state.value.wanted.keys) }
    func settled() async { await state.wait { $0.isSettled } }

    func wanted(_ key: ResourceKey) async -> Wanted {
        let state = state.value
        if let resource = state.wanted[key] { return .present(resource) }
        return state.undecided.contains(key) ? .undecided : .absent
    }
}
