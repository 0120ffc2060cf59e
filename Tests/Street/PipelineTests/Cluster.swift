import IstioAPI
import JSON
import Planning
import Translation

/// A cluster that is a value. Like a real delivery it asks only for resources that it was told of.
struct Cluster: Sendable {
    static let ownership = Ownership(
        labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: "main"], annotationPrefix: OwnerMark.prefix
    )

    let name: String
    var objects: [ResourceKey: ActualObject] = [:]
    /// The resources that it has yet to ask for.
    var told: Set<ResourceKey> = []
    private(set) var writes = 0

    init(_ name: String = "cluster") {
        self.name = name
    }

    var owned: [ActualObject] { objects.values.filter { Self.ownership.covers($0) } }

    /// Makes the object as it should be.
    mutating func write(_ desired: Resource?, at key: ResourceKey) {
        switch Change.plan(desired: desired, actual: objects[key], ownership: Self.ownership) {
        case .none, .conflict: return
        case .create(let resource):
            objects[key] = ActualObject(
                key: key, revision: Revision(FakeRevision(uid: writes, version: writes)), labels: resource.labels,
                annotations: resource.annotations, spec: resource.spec)
        case .patch(let actual, let patch):
            let revision = FakeRevision(uid: actual.uid ?? writes, version: writes)
            objects[key] = actual.applying(patch, revision: Revision(revision))
        case .delete: objects[key] = nil
        }
        writes += 1
    }

    /// Somebody else changes the spec of an object.
    mutating func edit(_ name: String, _ patch: JSONValue) {
        let key = ResourceKey(namespace: "dubbo", name: name)
        guard var object = objects[key] else { return }
        object.spec = object.spec.applying(mergePatch: patch)
        objects[key] = object
        told.insert(key)
    }
}

// MARK: - Looking at it

extension Cluster {
    /// The addresses that an object's endpoints have; `nil` where there is no object.
    func endpoints(_ name: String) -> [String]? {
        objects[ResourceKey(namespace: "dubbo", name: name)].map { object in
            (object.spec["endpoints"]?.array ?? []).compactMap { $0["address"]?.string }
        }
    }

    func resolution(_ name: String) -> String? {
        objects[ResourceKey(namespace: "dubbo", name: name)]?.spec["resolution"]?.string
    }

    func address(_ name: String) -> String? {
        objects[ResourceKey(namespace: "dubbo", name: name)]?.spec["addresses"]?.array?.first?.string
    }

    /// The objects' names and bytes, without what a cluster adds.
    var content: [String: [UInt8]] {
        Dictionary(uniqueKeysWithValues: objects.map { ($0.key.name, $0.value.spec.bytes) })
    }

    var workloads: [ActualObject] { objects.values.filter { $0.key.kind == .workloadEntry } }

    /// The addresses that a ServiceEntry selects.
    func selected(_ name: String) -> Set<String>? {
        let entry = objects[ResourceKey(namespace: "dubbo", name: name)]
        guard let selector = entry?.spec["workloadSelector"]?["labels"]?.strings else { return nil }
        let selected = workloads.filter { workload in
            let labels = workload.spec["labels"]?.strings ?? [:]
            return selector.allSatisfy { labels[$0.key] == $0.value }
        }
        return Set(selected.compactMap { $0.spec["address"]?.string })
    }
}

private struct FakeRevision: Hashable {
    var uid: Int
    var version: Int
}

extension ActualObject {
    /// The identity of an object, which tells it from an earlier one of its name.
    var uid: Int? { revision?.content(as: FakeRevision.self)?.uid }
}
