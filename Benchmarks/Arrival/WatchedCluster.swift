internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Measuring

/// What a watch shows of the bridge's objects, as istiod's own watch does.
final class WatchedCluster: Sendable {
    /// A version of an object.
    struct Write: Sendable {
        var time: ContinuousClock.Instant
        /// The interface in lower case: the object's name without the version.
        var service: String
        var addresses: Set<String>
    }

    private struct State {
        var objects: Set<String> = []
        var writes: [Write] = []
    }

    private let stage: Stage
    private let namespace: String
    private let state = Observed(State())

    init(_ stage: Stage, namespace: String) {
        self.stage = stage
        self.namespace = namespace
    }

    var objectCount: Int { state.value.objects.count }
    /// In the order in which they were shown.
    var writes: [Write] { state.value.writes }

    func follow() async {
        let watcher = stage.cluster.watcher(
            Stage.entries, namespace: namespace, listing: .full, watching: .full)
        for await event in watcher {
            switch event {
            case .object(let object), .changed(let object):
                let write = Write(
                    time: .now, service: Self.service(object.metadata.name),
                    addresses: Self.addresses(Array(object.bytes)))
                state.change { state in
                    state.objects.insert(write.service)
                    state.writes.append(write)
                }
            case .listBegins, .listComplete, .deleted, .interrupted: break
            }
        }
    }

    private static func service(_ name: String) -> String {
        name.range(of: ".v-").map { String(name[..<$0.lowerBound]) } ?? name
    }

    private static func addresses(_ bytes: [UInt8]) -> Set<String> {
        let endpoints = (try? JSONValue(parsing: bytes))?["spec"]?["endpoints"]?.array ?? []
        return Set(endpoints.compactMap { $0["address"]?.string })
    }
}
