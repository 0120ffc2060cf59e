import NIOHTTP1
import Synchronization
import Testing

@testable import Kubernetes

@Suite("The state of a store")
struct ObjectStoreStateTests {
    private let problem = WatcherEvent.interrupted(
        KubernetesError(code: .gone, message: "too old"), retryIn: .zero)

    private func keys(_ names: String...) -> Set<ObjectKey> {
        Set(names.map { ObjectKey(namespace: "ns", name: $0) })
    }

    @Test("changes by a list only when the list is complete, and then as a whole")
    func swap() throws {
        var state = ObjectStoreState()
        #expect(state.handle(.listBegins) == [])
        #expect(state.handle(.object(try object("a"))) == [])
        #expect(!state.isSynced && state.objects.isEmpty)
        #expect(Set(state.handle(.listComplete)) == keys("a"))
        #expect(state.isSynced)

        // The second list holds a newer "b" and no "a".
        #expect(state.handle(.changed(try object("b", version: "2"))) == Array(keys("b")))
        #expect(state.handle(.listBegins) == [])
        #expect(state.handle(.object(try object("b", version: "3"))) == [])
        #expect(Set(state.objects.keys) == keys("a", "b"))
        #expect(Set(state.handle(.listComplete)) == keys("a", "b"))
        #expect(Set(state.objects.keys) == keys("b"))
        #expect(state.objects.values.first?.metadata.resourceVersion == "3")
    }

    @Test("keeps its objects when a list is interrupted, and takes no part of the list")
    func interruption() throws {
        var state = ObjectStoreState()
        for event in [.listBegins, .object(try object("a")), .listComplete] as [WatcherEvent] {
            _ = state.handle(event)
        }
        _ = state.handle(.listBegins)
        _ = state.handle(.object(try object("b")))
        #expect(state.handle(problem) == [])
        #expect(state.interruption?.code == .gone)
        #expect(state.handle(.listComplete) == [])
        #expect(Set(state.objects.keys) == keys("a"))
        state.resumed()
        #expect(state.interruption == nil)
    }

    @Test("names no key of an unchanged object")
    func unchanged() throws {
        var state = ObjectStoreState()
        for event in [.listBegins, .object(try object("a")), .listComplete] as [WatcherEvent] {
            _ = state.handle(event)
        }
        #expect(state.handle(.changed(try object("a"))) == [])
        #expect(state.handle(.deleted(try object("z"))) == [])
        for event in [.listBegins, .object(try object("a"))] as [WatcherEvent] { _ = state.handle(event) }
        #expect(state.handle(.listComplete) == [])
        #expect(Set(state.handle(.deleted(try object("a", version: "2")))) == keys("a"))
    }
}

@Suite("Pending changes")
struct PendingChangesTests {
    private func key(_ number: Int) -> ObjectKey { ObjectKey(namespace: nil, name: "\(number)") }

    private func drain(_ pending: inout ObjectChanges.Pending) -> [ObjectChanges.Element] {
        var elements: [ObjectChanges.Element] = []
        while let element = pending.next() { elements.append(element) }
        return elements
    }

    @Test("come once for each key, in the order of their first change")
    func coalescing() {
        var pending = ObjectChanges.Pending(limit: 10)
        pending.add([key(1), key(2), key(1)])
        let first = pending.next()
        #expect(first == .object(key(1)))
        // A key that was taken may change again.
        pending.add([key(2), key(1), key(3)])
        #expect(drain(&pending) == [2, 1, 3].map { .object(key($0)) })
    }

    @Test("beyond the limit become a change of everything")
    func overflow() {
        var pending = ObjectChanges.Pending(limit: 2)
        pending.add([key(1), key(2), key(2)])
        pending.add([key(3)])
        pending.add([key(4)])
        #expect(drain(&pending) == [.everything])
        pending.add([key(5)])
        #expect(drain(&pending) == [.object(key(5))])
    }
}

@Suite("A store", .timeLimit(.minutes(1)))
struct ObjectStoreTests {
    private let a = ObjectKey(namespace: "ns", name: "a")
    private let b = ObjectKey(namespace: "ns", name: "b")

    /// Runs a store against a server that gives each list and each watch in turn.
    private func withStore(
        lists: [TestServer.Reply], watches: [TestServer.Reply],
        _ body: @escaping @Sendable (ObjectStore, TestServer) async throws -> Void
    ) async throws {
        let rest = Mutex((lists: lists[...], watches: watches[...]))
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            rest.withLock { rest in
                (request.isWatch ? rest.watches.popFirst() : rest.lists.popFirst()) ?? .blackHole
            }
        }
        try await TestServer.run(handler) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let store = ObjectStore(client.watcher(configMaps))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await store.run() }
                    try await body(store, server)
                    group.cancelAll()
                }
            }
        }
    }

    @Test("reads a collection, follows its changes, and replaces all of it on a relist")
    func follows() async throws {
        let (later, feed) = AsyncStream.makeStream(of: String.self)
        try await withStore(
            lists: [.json(listText(["a"], version: "10")), .json(listText(["b"], version: "20"))],
            watches: [.init(later: later), .lines([], ending: .silent)]
        ) { store, server in
            #expect(store[a] == nil)
            try await store.waitUntilSynced()
            #expect(store.isSynced && store.count == 1)
            #expect(store[a]?.metadata.resourceVersion == "1")
            var changes = store.changes().makeAsyncIterator()
            #expect(await changes.next() == .object(a))
            feed.yield(eventText("MODIFIED", "a", version: "11") + "\n")
            #expect(await changes.next() == .object(a))
            #expect(store[a]?.metadata.resourceVersion == "11")

            feed.yield(#"{"type":"ERROR","object":\#(expiredText)}"# + "\n")
            let relisted = [await changes.next(), await changes.next()]
            #expect(Set(relisted) == [.object(a), .object(b)])
            #expect(Set(store.objects.keys) == [b])
            try await until { store.interruption == nil && server.requests.filter(\.isWatch).count == 2 }
            feed.finish()
        }
    }

    @Test("gives every iteration all changes, and releases one that ended")
    func subscribers() async throws {
        try await withStore(
            lists: [.json(listText(["a", "b"], version: "10"))], watches: [.lines([], ending: .silent)]
        ) { store, _ in
            try await store.waitUntilSynced()
            for limit in [1, 10] {
                var seen: [ObjectChanges.Element] = []
                for await change in store.changes(limit: limit) {
                    seen.append(change)
                    if seen.count == (limit == 1 ? 1 : 2) { break }
                }
                #expect(Set(seen) == (limit == 1 ? [.everything] : [.object(a), .object(b)]))
            }
        }
    }

    @Test("ends its changes and every wait with its run, and reports when it was not synced by then")
    func ends() async throws {
        try await TestServer.run(replies: [.blackHole]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let store = ObjectStore(client.watcher(configMaps))
                try await withThrowingTaskGroup(of: KubernetesError.Code?.self) { group in
                    group.addTask {
                        for await _ in store.changes() {}
                        return nil
                    }
                    group.addTask {
                        try await failure { () async throws(KubernetesError) in try await store.waitUntilSynced() }.code
                    }
                    try await withThrowingTaskGroup(of: Void.self) { runner in
                        runner.addTask { await store.run() }
                        try await until { !server.requests.isEmpty }
                        runner.cancelAll()
                    }
                    let codes = try await group.reduce(into: []) { $0.append($1) }
                    #expect(Set(codes) == [nil, .shutDown])
                }
                for await _ in store.changes() { Issue.record("there is nothing to come") }
            }
        }
    }

    @Test("ends a wait that is cancelled")
    func cancelledWait() async throws {
        try await withStore(lists: [], watches: []) { store, _ in
            let code = await withTaskGroup(of: KubernetesError.Code?.self) { group in
                group.addTask {
                    do throws(KubernetesError) { try await store.waitUntilSynced() } catch { return error.code }
                    return nil
                }
                group.addTask {
                    for await _ in store.changes() {}
                    return .cancelled
                }
                group.cancelAll()
                return await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(code == [.cancelled])
        }
    }
}
