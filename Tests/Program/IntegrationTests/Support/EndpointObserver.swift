internal import IsthmusTesting
internal import IstioAPI
internal import IstiodOracle
internal import JSON
internal import Kubernetes
internal import Logging
internal import Synchronization

/// Follows both kinds as istiod does, by two watches, and says where the calls of one service go at every
/// resourceVersion: the watches themselves are not in step. An address counts where calls reach it through a sidecar
/// and through a ztunnel.
final class EndpointObserver: Sendable {
    /// What one event shows.
    fileprivate struct Sight {
        var kind: ResourceKind
        var name: String
        /// `nil` for an object that is gone.
        var object: ConfigObject?
    }

    fileprivate struct View {
        var entry: ConfigObject?
        var workloads: [String: ConfigObject] = [:]
    }

    private struct State {
        var view = View()
        var sights: [(version: Int, sight: Sight)] = []
        var listed: [ResourceKind: Set<String>] = [:]
        var needed: Set<String> = []
        /// The version from which on they are.
        var neededSince = 0

        var newestVersion: Int { sights.map(\.version).max() ?? 0 }

        mutating func take(_ sight: Sight, at version: Int) {
            view.take(sight)
            sights.append((version, sight))
        }
    }

    private let client: KubernetesClient
    private let scene: Scene
    private let name: String
    private let state = Mutex(State())

    init(_ scene: Scene, entry name: String) throws {
        self.scene = scene
        self.name = name
        client = try KubernetesClient(
            ClusterConfiguration.kubeconfig(path: scene.server.kubeconfig, context: nil), userAgent: "observer/1",
            logger: Logger(label: "observer") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs while the body does.
    func watching(_ body: () async throws -> Void) async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.follow(.serviceEntry) }
                group.addTask { await self.follow(.workloadEntry) }
                defer { group.cancelAll() }
                try await body()
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private func follow(_ kind: ResourceKind) async {
        let type = ResourceType(
            group: ResourceKind.group, version: "v1", plural: kind.plural, kind: kind.rawValue)
        for await event in client.watcher(type, namespace: scene.namespace, listing: .full, watching: .full) {
            switch event {
            case .listBegins:
                state.withLock { $0.listed[kind] = [] }
            case .object(let object):
                state.withLock { _ = $0.listed[kind]?.insert(object.metadata.name) }
                take(object.metadata.name, object.json, kind, object.metadata.resourceVersion)
            case .listComplete:
                for (name, version) in unlisted(kind) { take(name, nil, kind, version) }
            case .changed(let object):
                take(object.metadata.name, object.json, kind, object.metadata.resourceVersion)
            case .deleted(let object):
                take(object.metadata.name, nil, kind, object.metadata.resourceVersion)
            case .interrupted: break
            }
        }
    }

    /// What went while nobody looked, by the newest version that was seen.
    private func unlisted(_ kind: ResourceKind) -> [(name: String, version: String)] {
        state.withLock { state in
            let listed = state.listed.removeValue(forKey: kind) ?? []
            let known = kind == .workloadEntry ? Set(state.view.workloads.keys) : state.view.entry == nil ? [] : [name]
            let version = "\(state.newestVersion)"
            return known.subtracting(listed).map { ($0, version) }
        }
    }

    private func take(_ name: String, _ object: JSONValue?, _ kind: ResourceKind, _ version: String) {
        if kind == .serviceEntry, name != self.name { return }
        let object = object.flatMap { ConfigObject($0, kind: kind) }
        state.withLock { $0.take(Sight(kind: kind, name: name, object: object), at: Int(version) ?? 0) }
    }

    /// From now on these addresses must always be there.
    func need(_ addresses: some Sequence<String>) {
        state.withLock { state in
            state.needed = Set(addresses)
            state.neededSince = state.newestVersion
        }
    }

    /// The addresses that calls of the service reach.
    var visible: Set<String> { state.withLock(\.view).visible }
    var isInline: Bool { state.withLock { !$0.view.isSelecting } }
    var workloadCount: Int { state.withLock { $0.view.workloads.count } }

    /// Where something was missing that was needed, in the order of the versions.
    var gaps: [String] {
        let (sights, needed, since) = state.withLock { ($0.sights, $0.needed, $0.neededSince) }
        var view = View()
        var gaps: [String] = []
        for (version, sight) in sights.sorted(by: { $0.version < $1.version }) {
            let known = view.workloads[sight.name]
            view.take(sight)
            if version <= since { continue }
            switch sight.kind {
            case .serviceEntry:
                let missing = needed.subtracting(view.visible)
                if !missing.isEmpty { gaps.append("\(missing.count) missing at \(version)") }
            default:
                // One endpoint, and nothing else has to be looked at.
                guard let entry = view.entry, let known, entry.selects(known), needed.contains(known.address) else {
                    continue
                }
                let isThere = sight.object.map { entry.selects($0) && $0.address == known.address } ?? false
                if !isThere { gaps.append("\(known.address) is gone at \(version)") }
            }
        }
        return gaps
    }
}

extension EndpointObserver.View {
    fileprivate mutating func take(_ sight: EndpointObserver.Sight) {
        switch sight.kind {
        case .serviceEntry: entry = sight.object
        default: workloads[sight.name] = sight.object
        }
    }

    fileprivate var isSelecting: Bool { entry?.spec["workloadSelector"] != nil }

    fileprivate var visible: Set<String> {
        guard let entry else { return [] }
        let istiod = Istiod([entry] + workloads.values)
        let reached = DataPlane.allCases.map { dataPlane in
            Set(istiod.view(from: "shop", through: dataPlane).endpoints(of: entry).map(\.address))
        }
        return reached.dropFirst().reduce(reached[0]) { $0.intersection($1) }
    }
}

extension ConfigObject {
    /// Of a WorkloadEntry.
    fileprivate var address: String { spec["address"]?.string ?? "" }
}
