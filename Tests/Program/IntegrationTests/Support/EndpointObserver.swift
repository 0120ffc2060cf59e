internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging
internal import Synchronization

/// Follows both kinds as istiod does, by two watches, and keeps account of what a service looks like at every resourceVersion: the watches
/// themselves are not in step.
final class EndpointObserver: Sendable {
    /// What one event shows; `nil` for what is gone.
    fileprivate enum Sight {
        case entry(JSONValue?)
        case workload(name: String, Endpoint?)
    }

    fileprivate struct Endpoint: Hashable {
        let address: String
        let label: String

        init?(_ object: JSONValue?) {
            guard let spec = object?["spec"] else { return nil }
            address = spec["address"]?.string ?? ""
            label = spec["labels"]?["isthmus.mesh/service"]?.string ?? ""
        }
    }

    fileprivate struct View {
        var entry: JSONValue?
        var workloads: [String: Endpoint] = [:]
    }

    private struct State {
        var view = View()
        var sights: [(version: Int, sight: Sight)] = []
        var listed: [String: Set<String>] = [:]
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
                group.addTask { await self.follow("ServiceEntry", "serviceentries") }
                group.addTask { await self.follow("WorkloadEntry", "workloadentries") }
                defer { group.cancelAll() }
                try await body()
            }
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private func follow(_ kind: String, _ plural: String) async {
        let type = ResourceType(group: "networking.istio.io", version: "v1", plural: plural, kind: kind)
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
    private func unlisted(_ kind: String) -> [(name: String, version: String)] {
        state.withLock { state in
            let listed = state.listed.removeValue(forKey: kind) ?? []
            let known = kind == "WorkloadEntry" ? Set(state.view.workloads.keys) : state.view.entry == nil ? [] : [name]
            let version = "\(state.newestVersion)"
            return known.subtracting(listed).map { ($0, version) }
        }
    }

    private func take(_ name: String, _ object: JSONValue?, _ kind: String, _ version: String) {
        let version = Int(version) ?? 0
        if kind == "WorkloadEntry" {
            state.withLock { $0.take(.workload(name: name, Endpoint(object)), at: version) }
        } else if name == self.name {
            state.withLock { $0.take(.entry(object), at: version) }
        }
    }

    /// From now on these addresses must always be there.
    func need(_ addresses: some Sequence<String>) {
        state.withLock { state in
            state.needed = Set(addresses)
            state.neededSince = state.newestVersion
        }
    }

    /// The addresses that istiod would give the service.
    var visible: Set<String> { state.withLock { $0.view.visible } }
    var isInline: Bool { state.withLock { !$0.view.isSelecting } }
    var workloadCount: Int { state.withLock { $0.view.workloads.count } }

    /// Where something was missing that was needed, in the order of the versions.
    var gaps: [String] {
        let (sights, needed, since) = state.withLock { ($0.sights, $0.needed, $0.neededSince) }
        var view = View()
        var gaps: [String] = []
        for (version, sight) in sights.sorted(by: { $0.version < $1.version }) {
            let known: Endpoint? = if case .workload(let name, _) = sight { view.workloads[name] } else { nil }
            view.take(sight)
            if version <= since { continue }
            switch sight {
            case .entry:
                let missing = needed.subtracting(view.visible)
                if !missing.isEmpty { gaps.append("\(missing.count) missing at \(version)") }
            case .workload(_, let endpoint):
                // One endpoint, and nothing else has to be looked at.
                guard view.isSelecting, let known, known != endpoint, needed.contains(known.address) else { continue }
                gaps.append("\(known.address) is gone at \(version)")
            }
        }
        return gaps
    }
}

extension EndpointObserver.View {
    fileprivate mutating func take(_ sight: EndpointObserver.Sight) {
        switch sight {
        case .entry(let object): entry = object
        case .workload(let name, let endpoint): workloads[name] = endpoint
        }
    }

    fileprivate var isSelecting: Bool { entry?["spec"]?["workloadSelector"] != nil }

    fileprivate var visible: Set<String> {
        guard let spec = entry?["spec"] else { return [] }
        guard let label = spec["workloadSelector"]?["labels"]?["isthmus.mesh/service"]?.string else {
            return Set((spec["endpoints"]?.array ?? []).compactMap { $0["address"]?.string })
        }
        return Set(workloads.values.lazy.filter { $0.label == label }.map(\.address))
    }
}
