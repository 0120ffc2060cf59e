import JSON
import Sandbox
import Testing

@Suite("The API-server double's watches")
struct APIServerStoreWatchTests {
    var test = TestStore()

    @Test("a watch tells what was written after its resource version, and only that")
    mutating func changes() throws {
        let start = try #require(try test.object(.create(serviceEntry("a"))).version)
        var (watch, initial) = try test.watch(from: start)
        #expect(initial.isEmpty)
        try test.handle(.create(serviceEntry("b")))
        try test.handle(.patch("a", ["spec": ["hosts": ["x.example"]]]))
        try test.handle(.delete("b"))
        try test.handle(.init(.create, .namespace, body: namespace("n")))
        let events = try test.store.events(for: &watch)
        #expect(events.map(\.change) == [.added, .modified, .deleted])
        #expect(events.map(\.object.name) == ["b", "a", "b"])
        #expect(Set(events.map(\.object.version)).count == 3)
        #expect(watch.cursor == test.store.revision)
        #expect(try test.store.events(for: &watch).isEmpty)
    }

    @Test("a watch without a resource version starts with all there is")
    mutating func initialEvents() throws {
        try test.handle(.create(serviceEntry("a")))
        for unset in [nil, "", "0"] {
            var (watch, initial) = try test.watch(from: unset)
            #expect(initial.map(\.change) == [.added])
            #expect(try test.store.events(for: &watch).isEmpty)
        }
    }

    @Test("an object that enters a selector is added, and one that leaves it is deleted")
    mutating func selectorBorders() throws {
        try test.handle(.create(serviceEntry("a")))
        var (watch, _) = try test.watch(from: String(test.store.revision), labels: "app=x")
        try test.handle(.patch("a", ["metadata": ["labels": ["app": "x"]]]))
        try test.handle(.patch("a", ["spec": ["hosts": ["x.example"]]]))
        try test.handle(.patch("a", ["metadata": ["labels": ["app": "y"]]]))
        try test.handle(.patch("a", ["spec": ["hosts": ["y.example"]]]))
        let events = try test.store.events(for: &watch)
        #expect(events.map(\.change) == [.added, .modified, .deleted])
        #expect(events.last?.object["metadata"]?["labels"] == ["app": "x"])
        #expect(events.last?.object.version == String(test.store.revision - 1))
    }

    @Test("a watcher that lags behind the history is cut off")
    mutating func slowWatcher() throws {
        test = TestStore(historyLimit: 8)
        try test.handle(.create(serviceEntry("a")))
        var (slow, _) = try test.watch(from: String(test.store.revision))
        var (quick, _) = try test.watch(from: String(test.store.revision))
        for number in 1...20 {
            try test.handle(.patch("a", ["spec": ["hosts": [.string("\(number).example")]]]))
            #expect(try test.store.events(for: &quick).count == 1)
        }
        do {
            _ = try test.store.events(for: &slow)
            Issue.record("it was served")
        } catch {
            #expect(error.code == 410)
            #expect(error.reason == "Expired")
        }
    }

    @Test("expired history ends every watch from a known resource version")
    mutating func expiry() throws {
        let known = try #require(try test.object(.create(serviceEntry("a"))).version)
        test.store.expireHistory()
        var (watch, _) = try test.watch(from: known)
        #expect(throws: APIServerStatus.self) { try test.store.events(for: &watch) }
        var (fresh, _) = try test.watch(from: try test.list().resourceVersion)
        #expect(try test.store.events(for: &fresh).isEmpty)
    }

    @Test(
        "any sequence of writes, replayed from a list, gives what a list gives",
        arguments: 1...40 as ClosedRange<UInt64>)
    mutating func replay(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<20 { write(&random) }
        let scopes: [(labels: String?, namespace: String?)] = [
            (nil, nil), ("app=x", nil), ("app!=x", "default"), ("app in (x,y),!tier", nil), (nil, "other"),
        ]
        var replicas: [Replica] = []
        for scope in scopes {
            let list = try test.list(namespace: scope.namespace, options: options(scope.labels))
            let (watch, _) = try test.watch(
                from: list.resourceVersion, labels: scope.labels, namespace: scope.namespace)
            replicas.append(Replica(list, watch))
        }
        for _ in 0..<200 {
            write(&random)
            // Watchers look whenever they like, and take as many as they like.
            for index in replicas.indices where Int.random(in: 0..<10, using: &random) == 0 {
                let limit = Int.random(in: 1...8, using: &random)
                try replicas[index].follow(test.store, limit: limit)
            }
        }
        for (index, scope) in scopes.enumerated() {
            try replicas[index].follow(test.store, limit: .max)
            let list = try test.list(namespace: scope.namespace, options: options(scope.labels))
            #expect(replicas[index].objects == Replica(list, replicas[index].watch).objects, "scope \(scope)")
        }
    }

    /// What a client makes of a list and the events after it. It notices an event that can't be right.
    private struct Replica {
        var objects: [String: JSONObject] = [:]
        var watch: ResourceStore.Watch

        init(_ list: ResourceStore.List, _ watch: ResourceStore.Watch) {
            self.watch = watch
            for object in list.items { objects[Self.key(object)] = object }
        }

        mutating func follow(_ store: ResourceStore, limit: Int) throws {
            for event in try store.events(for: &watch, limit: limit) {
                let key = Self.key(event.object)
                #expect((objects[key] == nil) == (event.change == .added))
                objects[key] = event.change == .deleted ? nil : event.object
            }
        }

        private static func key(_ object: JSONObject) -> String {
            "\(object["metadata"]?["namespace"]?.string ?? "")/\(object.name ?? "")"
        }
    }

    /// One random write; whether it is refused doesn't matter.
    private mutating func write(_ random: inout SeededGenerator) {
        let name = "s\(Int.random(in: 0..<6, using: &random))"
        let namespace = Bool.random(using: &random) ? "default" : "other"
        let app: JSONValue = ["x", "y", .null].randomElement(using: &random) ?? .null
        let tier: JSONValue = Bool.random(using: &random) ? "t" : .null
        switch Int.random(in: 0..<8, using: &random) {
        case 0...2:
            var labels: [String: String] = [:]
            labels["app"] = app.string
            labels["tier"] = tier.string
            _ = try? test.handle(.create(serviceEntry(name, labels: labels), namespace: namespace))
        case 3:
            let patch: JSONValue = ["metadata": ["labels": ["app": app, "tier": tier]]]
            _ = try? test.handle(.patch(name, patch, namespace: namespace))
        case 4:
            let host = "h\(Int.random(in: 0..<3, using: &random)).example"
            _ = try? test.handle(.patch(name, ["spec": ["hosts": [.string(host)]]], namespace: namespace))
        case 5:
            let holding: JSONValue = Bool.random(using: &random) ? ["example.com/hold"] : .null
            _ = try? test.handle(.patch(name, ["metadata": ["finalizers": holding]], namespace: namespace))
        case 6:
            _ = try? test.handle(.delete(name, namespace: namespace))
        default:
            _ = try? test.handle(
                .init(.patch, .namespace, name: "other", body: ["metadata": ["labels": ["app": app]]]))
        }
    }

    private func options(_ labels: String?) throws -> ResourceStore.Options {
        var options = ResourceStore.Options()
        options.selector = try ResourceStore.Selector(labels: labels, fields: nil)
        return options
    }

    private func namespace(_ name: String) -> JSONValue {
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
    }
}
