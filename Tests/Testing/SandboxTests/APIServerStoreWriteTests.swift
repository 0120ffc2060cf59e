import JSON
import Sandbox
import Testing

@Suite("The API-server double's writes")
struct APIServerStoreWriteTests {
    var test = TestStore()

    @Test("a created object gets an identity, a time, a generation and a resource version")
    mutating func create() throws {
        let object = try test.object(.create(serviceEntry("a", labels: ["app": "x"])))
        #expect(object["metadata"]?["uid"]?.string == "uid-00003")
        #expect(object["metadata"]?["creationTimestamp"] == "2023-11-14T22:13:20Z")
        #expect(object["metadata"]?["generation"] == 1)
        #expect(object["metadata"]?["namespace"] == "default")
        #expect(object.version == String(test.store.revision))
    }

    @Test("what can't be created is refused, and changes nothing")
    mutating func refusedCreates() throws {
        try test.handle(.create(serviceEntry("a")))
        let before = test.store.revision
        #expect(code(.create(serviceEntry("a"))) == 409)
        #expect(reason(.create(serviceEntry("a"))) == "AlreadyExists")
        #expect(code(.create(serviceEntry("b"), namespace: "missing")) == 404)
        #expect(code(.create(serviceEntry("b", resourceVersion: "7"))) == 400)
        #expect(code(.create(serviceEntry("Not_A_Name"))) == 422)
        #expect(code(.create(serviceEntry("b", labels: ["app": "no spaces"]))) == 422)
        #expect(code(.create(["apiVersion": "networking.istio.io/v1beta1", "kind": "ServiceEntry"])) == 400)
        #expect(test.store.revision == before)
    }

    @Test("a ServiceEntry without hosts is invalid, and the cause names the field")
    mutating func invalid() throws {
        var object = try #require(serviceEntry("a").object)
        object["spec"] = ["resolution": "STATIC"]
        do {
            try test.handle(.create(.object(object)))
            Issue.record("it was accepted")
        } catch {
            #expect(error.code == 422)
            #expect(error.reason == "Invalid")
            #expect(error.message == "ServiceEntry.networking.istio.io \"a\" is invalid: spec.hosts: Required value")
            #expect(error.json["details"]?["causes"]?.array?.first?["field"] == "spec.hosts")
        }
    }

    @Test("4,096 endpoints are accepted and one more is not")
    mutating func endpointLimit() throws {
        var object = try #require(serviceEntry("a").object)
        for (count, expected) in [(4096, nil as Int?), (4097, 422)] {
            var spec = try #require(serviceEntry("a")["spec"]?.object)
            spec["endpoints"] = .array(Array(repeating: ["address": "10.0.0.1"], count: count))
            object["spec"] = .object(spec)
            #expect(code(.create(.object(object))) == expected)
        }
    }

    @Test("a merge patch changes what it names, and the generation only with the specification")
    mutating func patch() throws {
        try test.handle(.create(serviceEntry("a", labels: ["app": "x"])))
        let labelled = try test.object(.patch("a", ["metadata": ["labels": ["app": .null, "tier": "y"]]]))
        #expect(labelled["metadata"]?["labels"] == ["tier": "y"])
        #expect(labelled["metadata"]?["generation"] == 1)
        let changed = try test.object(.patch("a", ["spec": ["hosts": ["new.example"]]]))
        #expect(changed["metadata"]?["generation"] == 2)
        #expect(changed["spec"]?["resolution"] == "STATIC")
    }

    @Test("a write that changes nothing keeps the resource version")
    mutating func noChange() throws {
        let created = try test.object(.create(serviceEntry("a")))
        let before = test.store.revision
        #expect(try test.object(.patch("a", ["spec": ["location": "MESH_INTERNAL"]])) == created)
        let same = serviceEntry("a", resourceVersion: created.version)
        #expect(try test.object(.init(.update, .serviceEntry, namespace: "default", name: "a", body: same)) == created)
        #expect(test.store.revision == before)
    }

    @Test("a stale resource version or a foreign uid is a conflict")
    mutating func preconditions() throws {
        let created = try test.object(.create(serviceEntry("a")))
        let stale = try #require(created.version)
        let current = try #require(
            try test.object(.patch("a", ["metadata": ["resourceVersion": .string(stale), "labels": ["k": "v"]]]))
                .version)
        #expect(code(.patch("a", ["metadata": ["resourceVersion": .string(stale), "labels": ["k": "w"]]])) == 409)
        let update = { (object: JSONValue) in
            ResourceStore.Request(.update, .serviceEntry, namespace: "default", name: "a", body: object)
        }
        #expect(reason(update(serviceEntry("a", resourceVersion: stale))) == "Conflict")
        #expect(code(update(serviceEntry("a"))) == 422)
        #expect(code(.delete("a", preconditions: ["uid": "another"])) == 409)
        #expect(code(.delete("a", preconditions: ["resourceVersion": stale])) == 409)
        #expect(test.store.object(.serviceEntry, namespace: "default", name: "a") != nil)
        #expect(code(.delete("a", preconditions: ["uid": "uid-00003", "resourceVersion": current])) == nil)
        #expect(test.store.object(.serviceEntry, namespace: "default", name: "a") == nil)
        #expect(code(.delete("a")) == 404)
    }

    @Test("status is written through its subresource only, and survives other writes")
    mutating func status() throws {
        try test.handle(.create(serviceEntry("a")))
        var request = ResourceStore.Request.patch("a", ["status": ["seen": true], "spec": ["hosts": ["no.example"]]])
        request.isForStatus = true
        let written = try test.object(request)
        #expect(written["status"] == ["seen": true])
        #expect(written["spec"]?["hosts"] == ["demo.example"])
        let patched = try test.object(.patch("a", ["status": .null, "metadata": ["labels": ["k": "v"]]]))
        #expect(patched["status"] == ["seen": true])
    }

    @Test("a dry run answers as if, and stores nothing")
    mutating func dryRun() throws {
        var request = ResourceStore.Request.create(serviceEntry("a"))
        request.options.isDryRun = true
        #expect(try test.object(request).name == "a")
        #expect(test.store.keys(.serviceEntry).isEmpty)
    }

    @Test("an object with finalizers goes when the last of them goes")
    mutating func finalizers() throws {
        try test.handle(.create(serviceEntry("a")))
        try test.handle(.patch("a", ["metadata": ["finalizers": ["example.com/hold"]]]))
        let marked = try test.object(.delete("a"))
        #expect(marked["metadata"]?["deletionTimestamp"] != nil)
        try test.handle(.patch("a", ["metadata": ["finalizers": .null]]))
        #expect(test.store.keys(.serviceEntry).isEmpty)
    }

    @Test("a namespace takes its content along")
    mutating func namespaceDeletion() throws {
        try test.handle(.create(serviceEntry("a")))
        try test.handle(.create(serviceEntry("b"), namespace: "other"))
        try test.handle(.init(.delete, .namespace, name: "default"))
        #expect(test.store.keys(.serviceEntry) == [.init(namespace: "other", name: "b")])
        #expect(test.store.keys(.namespace).map(\.name) == ["other"])
    }

    private mutating func code(_ request: ResourceStore.Request) -> Int? {
        refusal(request)?.code
    }

    private mutating func reason(_ request: ResourceStore.Request) -> String? {
        refusal(request)?.reason
    }

    private mutating func refusal(_ request: ResourceStore.Request) -> APIServerStatus? {
        do {
            try test.handle(request)
            return nil
        } catch {
            return error
        }
    }
}
