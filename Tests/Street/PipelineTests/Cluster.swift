import Foundation
import IstioAPI
import IstiodOracle
import JSON
import Planning
import Testing
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
    /// The addresses that calls of an object's host go to; `nil` where there is no object.
    func endpoints(_ name: String) -> [String]? {
        objects[ResourceKey(namespace: "dubbo", name: name)].map { entry in
            let istiod = Istiod(objects.values.map(\.asCreated))
            #expect(istiod.complaints(from: "shop") == [])
            return istiod.view(from: "shop", through: .sidecar).endpoints(of: entry.configObject).map(\.address)
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

    /// The addresses that calls go to of a ServiceEntry that selects its endpoints; `nil` for one that has them in
    /// itself.
    func selected(_ name: String) -> Set<String>? {
        let entry = objects[ResourceKey(namespace: "dubbo", name: name)]
        return entry?.selectsWorkloads == true ? endpoints(name).map { Set($0) } : nil
    }
}

private struct FakeRevision: Hashable {
    var uid: Int
    var version: Int
}

extension ActualObject {
    /// The identity of an object, which tells it from an earlier one of its name.
    var uid: Int? { revision?.content(as: FakeRevision.self)?.uid }

    /// As istiod reads it: which of two is older counts.
    fileprivate var asCreated: ConfigObject {
        var object = configObject
        object.created = String(format: "%09d", uid ?? 0)
        return object
    }
}
