import IstioAPI
import JSON
import Planning
import Testing

extension Ownership {
    static let sample = Ownership(
        labels: ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"],
        annotationPrefix: "isthmus.mesh/")
}

extension ServiceEntry {
    static let sample = ServiceEntry(
        key: ResourceKey(namespace: "dubbo", name: "com.acme.cart"), labels: Ownership.sample.labels,
        annotations: ["isthmus.mesh/registries": "zk"], hosts: ["com.acme.cart"], addresses: ["240.16.0.1"],
        ports: [Port(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
        endpoints: [Endpoint(address: "10.0.0.1", ports: ["tcp-dubbo": 20880])])
}

extension ActualObject {
    /// The object that creating this resource leaves behind.
    init(created entry: ServiceEntry, revision: Revision = Revision(1)) {
        self.init(
            key: entry.key, revision: revision, labels: entry.labels,
            annotations: entry.annotations, spec: entry.spec)
    }
}

@Suite("plans")
struct PlanTests {
    private func plan(_ desired: ServiceEntry?, _ actual: ActualObject?) -> Change {
        .plan(desired: desired.map(Resource.serviceEntry), actual: actual, ownership: .sample)
    }

    @Test("what is missing is created, what is as it should be is left, what is unwanted is deleted")
    func basics() {
        let actual = ActualObject(created: .sample)
        #expect(plan(nil, nil) == .none)
        #expect(plan(.sample, nil) == .create(.serviceEntry(.sample)))
        #expect(plan(.sample, actual) == .none)
        #expect(plan(nil, actual) == .delete(actual))
    }

    @Test("an endpoint's departure is a patch of the endpoints, valid for this version only")
    func endpoints() {
        var desired = ServiceEntry.sample
        desired.endpoints = []
        let actual = ActualObject(created: .sample, revision: Revision(42))
        let patch: JSONValue = ["spec": ["endpoints": []]]
        #expect(plan(desired, actual) == .patch(actual, patch))
        #expect(plan(desired, actual).push() == .endpointsOnly)
    }

    @Test("an object that names a registry too many says enough, and one that lacks a registry does not")
    func announcers() {
        func entry(_ announcers: String?, registries: String = "zk,nacos") -> ServiceEntry {
            var entry = ServiceEntry.sample
            entry.annotations = ["isthmus.mesh/registries": registries]
            if let announcers { entry.annotations["isthmus.mesh/announcers"] = announcers }
            return entry
        }
        let (zk, nacos) = (#"{"zk":"10.0.0.1:20880"}"#, #"{"nacos":"10.0.0.1:20880"}"#)
        func isLeft(_ desired: ServiceEntry, _ actual: ServiceEntry) -> Bool {
            plan(desired, ActualObject(created: actual)) == .none
        }
        #expect(isLeft(entry(zk), entry(nil)) && !isLeft(entry(nil), entry(zk)))
        #expect(isLeft(entry(zk), entry(zk)) && !isLeft(entry(nacos), entry(zk)))
        #expect(!isLeft(entry(zk, registries: "zk"), entry(nil)))
        var others = entry(zk)
        others.endpoints = []
        #expect(!isLeft(others, entry(nil)))
        others = entry(zk)
        others.labels["team"] = "shop"
        #expect(!isLeft(others, entry(nil)))
    }

    @Test("a change of anything but endpoints says why istiod will push everything")
    func scope() {
        var desired = ServiceEntry.sample
        desired.addresses = ["240.16.0.2"]
        desired.ports[0].number = 20881
        let push = plan(desired, ActualObject(created: .sample)).push()
        #expect(push == .full([.changed(.addresses), .changed(.ports)]))
        #expect("\(push)" == "full push, because spec.addresses changes and spec.ports changes")
    }

    @Test("an annotation of ours that is no longer wanted goes; those of others stay")
    func annotations() {
        var actual = ActualObject(created: .sample)
        actual.annotations["isthmus.mesh/old"] = "x"
        actual.annotations["example.com/note"] = "y"
        let patch: JSONValue = ["metadata": ["annotations": ["isthmus.mesh/old": .null]]]
        #expect(plan(.sample, actual) == .patch(actual, patch))
        #expect(plan(.sample, actual).push() == .nothing)
        let applied = actual.applying(patch, revision: Revision(2))
        #expect(applied.annotations == ["isthmus.mesh/registries": "zk", "example.com/note": "y"])
    }

    @Test("an annotation outside our prefix that is wanted is compared as well")
    func foreignPrefix() {
        var desired = ServiceEntry.sample
        desired.annotations["example.com/note"] = "y"
        #expect(plan(desired, ActualObject(created: desired)) == .none)
        #expect(plan(desired, ActualObject(created: .sample)) != .none)
    }

    @Test("fields that others set are no difference")
    func foreignFields() {
        var actual = ActualObject(created: .sample)
        actual.labels["team"] = "shop"
        actual.annotations["example.com/note"] = "y"
        actual.spec = actual.spec.applying(mergePatch: ["subjectAltNames": ["spiffe://x"], "exportTo": ["."]])
        #expect(plan(.sample, actual) == .none)
    }

    @Test(
        "an object without our labels is never touched", arguments: [[:], ["app.kubernetes.io/managed-by": "isthmus"]])
    func notOurs(labels: [String: String]) {
        var actual = ActualObject(created: .sample)
        actual.labels = labels
        #expect(plan(nil, actual) == .none)
        guard case .conflict(let reason) = plan(.sample, actual) else {
            Issue.record("not a conflict")
            return
        }
        #expect(reason.contains("dubbo/com.acme.cart") && reason.contains("isthmus.mesh/instance=main"))
    }

    @Test("another installation's object is not ours")
    func otherInstance() {
        var actual = ActualObject(created: .sample)
        actual.labels["isthmus.mesh/instance"] = "other"
        #expect(!Ownership.sample.covers(actual))
        #expect(plan(nil, actual) == .none)
    }

    @Test("an object whose spec somebody emptied is repaired", arguments: [[:], .null, "broken"] as [JSONValue])
    func emptied(spec: JSONValue) {
        var actual = ActualObject(created: .sample)
        actual.spec = spec
        guard case .patch(_, let patch) = plan(.sample, actual) else {
            Issue.record("no patch")
            return
        }
        #expect(actual.applying(patch, revision: Revision(2)).spec == ServiceEntry.sample.spec)
    }

    @Test("the API server is asked for our objects only")
    func selector() {
        #expect(Ownership.sample.labelSelector == "app.kubernetes.io/managed-by=isthmus,isthmus.mesh/instance=main")
    }
}
