internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging
internal import Synchronization

/// Follows both kinds as istiod does, by two watches, and keeps account of what a service looks like.
final class EndpointObserver: Sendable {
    fileprivate struct State {
        var entry: JSONValue?
        /// Address and label of each.
        var workloads: [String: (address: String, label: String)] = [:]
        var needed: Set<String> = []
        var gaps: [String] = []
        var events = 0
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
            case .object(let object), .changed(let object): take(object.metadata.name, object.json, kind)
            case .deleted(let object): take(object.metadata.name, nil, kind)
            case .listBegins, .listComplete, .interrupted: break
            }
        }
    }

    private func take(_ name: String, _ object: JSONValue?, _ kind: String) {
        state.withLock { state in
            state.events += 1
            if kind == "WorkloadEntry" {
                let before = state.workloads.removeValue(forKey: name)
                if let spec = object?["spec"] {
                    let label = spec["labels"]?["isthmus.mesh/service"]?.string ?? ""
                    state.workloads[name] = (spec["address"]?.string ?? "", label)
                }
                // What comes can't be what is missing; what goes is one endpoint, and nothing else has to be looked at.
                guard object == nil, let before, state.needed.contains(before.address), state.isSelecting else {
                    return
                }
                state.gaps.append("\(before.address) is gone after \(state.events) events")
            } else if name == self.name {
                state.entry = object
                let missing = state.needed.subtracting(state.visible)
                if !missing.isEmpty { state.gaps.append("\(missing.count) missing after \(state.events) events") }
            }
        }
    }

    /// From now on these addresses must always be there.
    func need(_ addresses: some Sequence<String>) { state.withLock { $0.needed = Set(addresses) } }

    /// The addresses that istiod would give the service.
    var visible: Set<String> { state.withLock { $0.visible } }
    var isInline: Bool { state.withLock { !$0.isSelecting } }
    var workloadCount: Int { state.withLock { $0.workloads.count } }
    var gaps: [String] { state.withLock { $0.gaps } }
}

extension EndpointObserver.State {
    fileprivate var isSelecting: Bool { entry?["spec"]?["workloadSelector"] != nil }

    fileprivate var visible: Set<String> {
        guard let spec = entry?["spec"] else { return [] }
        guard let label = spec["workloadSelector"]?["labels"]?["isthmus.mesh/service"]?.string else {
            return Set((spec["endpoints"]?.array ?? []).compactMap { $0["address"]?.string })
        }
        return Set(workloads.values.lazy.filter { $0.label == label }.map(\.address))
    }
}
