internal import IsthmusTesting
internal import IstioAPI
internal import IstiodOracle
internal import JSON
internal import Kubernetes
internal import Logging

/// Follows the objects of a scene as istiod does, and says after each event where a sidecar's calls go.
final class MeshObserver: Sendable {
    private struct Key: Hashable {
        var kind: ResourceKind
        var name: String
    }

    private struct State {
        var objects: [Key: ConfigObject] = [:]
        var listed: [ResourceKind: Set<String>] = [:]
        /// `HOST:PORT`, by the object's name.
        var endpoints: [String: Set<String>] = [:]
        /// These are looked at after each event.
        var expected: [String: Set<String>] = [:]
        /// The fewest of those expected that stood at once.
        var lowest = Int.max
        var resolutions: [String: [String]] = [:]

        var standing: Int {
            expected.reduce(0) { $0 + $1.value.intersection(endpoints[$1.key] ?? []).count }
        }

        mutating func look() {
            let all = Istiod(objects.values)
            let view = all.view(from: "shop", through: .sidecar)
            endpoints = [:]
            for (key, entry) in objects where key.kind == .serviceEntry {
                endpoints[key.name] = Set(view.endpoints(of: entry).map(\.description))
                let resolution = ServiceTraits(entry).resolution.rawValue
                if resolutions[key.name]?.last != resolution { resolutions[key.name, default: []].append(resolution) }
            }
            lowest = min(lowest, standing)
        }
    }

    private let client: KubernetesClient
    private let namespace: String
    private let state = Observed(State())

    private init(_ scene: Scene) throws {
        namespace = scene.namespace
        client = try KubernetesClient(
            ClusterConfiguration.kubeconfig(path: scene.server.kubeconfig, context: nil), userAgent: "observer/1",
            logger: Logger(label: "observer") { _ in SwiftLogNoOpLogHandler() })
    }

    /// An observer of the scene, while the body runs.
    static func watching(_ scene: Scene, _ body: (MeshObserver) async throws -> Void) async throws {
        let observer = try MeshObserver(scene)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await observer.follow(.serviceEntry) }
                group.addTask { await observer.follow(.workloadEntry) }
                defer { group.cancelAll() }
                try await body(observer)
            }
        } catch {
            await observer.client.shutdown()
            throw error
        }
        await observer.client.shutdown()
    }

    private func follow(_ kind: ResourceKind) async {
        let type = ResourceType(group: ResourceKind.group, version: "v1", plural: kind.plural, kind: kind.rawValue)
        for await event in client.watcher(type, namespace: namespace, listing: .full, watching: .full) {
            switch event {
            case .listBegins: state.change { $0.listed[kind] = [] }
            case .object(let object):
                state.change { state in
                    state.listed[kind]?.insert(object.metadata.name)
                    state.objects[Key(kind: kind, name: object.metadata.name)] = ConfigObject(object.json, kind: kind)
                }
            case .listComplete:
                state.change { state in
                    let listed = state.listed.removeValue(forKey: kind) ?? []
                    state.objects = state.objects.filter { $0.key.kind != kind || listed.contains($0.key.name) }
                    state.look()
                }
            case .changed(let object):
                state.change { state in
                    state.objects[Key(kind: kind, name: object.metadata.name)] = ConfigObject(object.json, kind: kind)
                    state.look()
                }
            case .deleted(let object):
                state.change { state in
                    state.objects[Key(kind: kind, name: object.metadata.name)] = nil
                    state.look()
                }
            case .interrupted: break
            }
        }
    }

    /// From now on the endpoints of these providers are looked at.
    func expect(_ providers: [Provider]) {
        state.change { state in
            state.expected = Dictionary(grouping: providers) { $0.interface.lowercased() }.mapValues {
                Set($0.map(\.address))
            }
            state.lowest = state.standing
        }
    }

    /// How many of the expected endpoints stand.
    var standing: Int { state.value.standing }
    /// The fewest of them that stood at once since `expect`.
    var lowest: Int { state.value.lowest }
    /// All endpoints of an object.
    func endpoints(of name: String) -> Set<String> { state.value.endpoints[name] ?? [] }
    /// The resolutions that an object had, in their order.
    func resolutions(of name: String) -> [String] { state.value.resolutions[name] ?? [] }

    /// Returns when so many of the expected endpoints stand.
    func wait(standing count: Int, within limit: Duration = .seconds(30)) async throws {
        try await eventually("\(count) of the expected endpoints stand", within: limit) {
            standing
        } until: {
            $0 == count
        }
    }
}
