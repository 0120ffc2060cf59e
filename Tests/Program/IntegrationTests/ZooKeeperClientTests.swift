internal import IsthmusTesting
internal import NIOCore
internal import Testing
internal import ZooKeeper

/// The library against Apache ZooKeeper itself.
@Suite("The ZooKeeper client on a real server", .realServers, .timeLimit(.minutes(5)))
struct ZooKeeperClientTests {
    @Test("every operation does what it says, and every failure has its code")
    func operations() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { client in
                let data = ByteBuffer(string: "one")
                #expect(try await client.create("/a", data: data) == "/a")
                #expect(try await client.data(of: "/a").data == data)
                let stat = try await client.setData(of: "/a", to: ByteBuffer(string: "two"), version: 0)
                #expect(stat.version == 1)
                #expect(await failure { try await client.setData(of: "/a", to: data, version: 0) }?.code == .badVersion)
                #expect(try await client.create("/a/s-", mode: .persistentSequential) == "/a/s-0000000000")
                #expect(try await client.create("/a/", mode: .ephemeralSequential) == "/a/0000000001")
                let (children, parent) = try await client.childrenAndStat(of: "/a")
                #expect(Set(children) == ["s-0000000000", "0000000001"])
                #expect(parent.childCount == 2)
                #expect(await failure { try await client.delete("/a") }?.code == .notEmpty)
                try await client.create("/e", mode: .ephemeral)
                #expect(await failure { try await client.create("/e/c") }?.code == .noChildrenForEphemerals)
                #expect(await failure { try await client.create("/e") }?.code == .nodeExists)
                #expect(await failure { try await client.create("/x/y") }?.code == .noNode)
                #expect(await failure { try await client.create("/n", acl: []) }?.code == .invalidACL)
                #expect(try await client.exists("/x") == nil)
                try await client.sync("/")
                try await client.delete("/a/s-0000000000", version: 0)
                #expect(await failure { try await client.delete("/a/s-0000000000") }?.code == .noNode)
            }
        }
    }

    @Test("a container goes after its last child, and a znode with a time to live after its time")
    func endings() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/", mode: .persistentRecursive)
                try await client.create("/container", mode: .container)
                try await client.create("/container/c")
                let made = try await client.create(
                    "/ttl-", mode: .persistentSequentialWithTTL(.milliseconds(50)))
                try await client.create("/ttl", mode: .persistentWithTTL(.milliseconds(50)))
                try await client.delete("/container/c")
                var waiting: Set<String> = ["/container", "/ttl", made]
                #expect(made.hasPrefix("/ttl-00"))
                while !waiting.isEmpty, let event = await events.next() {
                    if case .changed(let change) = event, change.kind == .deleted { waiting.remove(change.path) }
                }
                #expect(waiting.isEmpty)
            }
        }
    }

    @Test("a multi is all or nothing and names the step that failed")
    func multi() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { try await $0.create("/tenant") }
            try await withClient(server.connectString + "/tenant") { client async throws in
                let results = try await client.multi([
                    .create("/a"), .create("/a/c", mode: .container), .create("/a/n-", mode: .ephemeralSequential),
                    .create("/t", mode: .persistentWithTTL(.seconds(60))),
                    .setData(of: "/a", to: ByteBuffer(string: "x")), .check("/a", version: 1), .delete("/t"),
                ])
                #expect(
                    results.prefix(4) == [
                        .created(path: "/a"), .created(path: "/a/c"), .created(path: "/a/n-0000000001"),
                        .created(path: "/t"),
                    ])
                #expect(results.suffix(2) == [.checked, .deleted])
                let steps: [MultiOperation] = [.create("/b"), .check("/a", version: 7), .create("/d")]
                let error = await failure { try await client.multi(steps) }
                #expect(error?.code == .badVersion)
                #expect(error?.operationIndex == 1)
                #expect(error?.path == "/a")
                #expect(try await client.exists("/b") == nil)
            }
        }
    }

    @Test("a credential opens what only its owner may read, over every connection, and closes it to others")
    func accessControl() async throws {
        try await RealZooKeeper.withServer(maxSessionTimeout: .seconds(40)) { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.credentials = [.digest(user: "ada", password: "secret")]
            try await withClient(server.connectString, configuration) { owner in
                var events = await owner.events().makeAsyncIterator()
                try await owner.create("/mine", acl: .creatorOnly)
                let acl = try await owner.acl(of: "/mine")
                #expect(acl.acl.map(\.scheme) == ["digest"])
                #expect(acl.acl.first?.id.hasPrefix("ada:") == true)
                try await withClient(server.connectString) { other in
                    #expect(await failure { _ = try await other.data(of: "/mine") }?.code == .noAuth)
                }
                _ = await nextSession(&events)
                try await server.restart()
                #expect(await nextSession(&events)?.isResumed == true)
                _ = try await owner.data(of: "/mine")
                try await owner.setACL(of: "/mine", to: acl.acl + [.anyone(.read)], version: acl.stat.aclVersion)
                try await withClient(server.connectString) { other in _ = try await other.data(of: "/mine") }
            }
            configuration.credentials = [Credential(scheme: "nonsense", secret: [1])]
            try await withClient(server.connectString, configuration) { client in
                #expect(await failure { try await client.create("/never") }?.code == .authFailed)
            }
        }
    }

    @Test("watches tell once or again and again, until they are removed")
    func watches() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.create("/w")
                _ = try await client.data(of: "/w", watch: true)
                _ = try await client.setData(of: "/w", to: ByteBuffer(string: "1"))
                _ = try await client.setData(of: "/w", to: ByteBuffer(string: "2"))
                try await client.addWatch("/w", mode: .persistentRecursive)
                try await client.create("/w/a")
                try await client.create("/w/a/b")
                try await client.removeWatches("/w")
                #expect(await failure { try await client.removeWatches("/w") }?.code == .noWatcher)
                try await client.create("/w/c")
                _ = try await client.exists("/end", watch: true)
                try await client.create("/end")
                var seen: [String] = []
                while seen.last != "created /end", let event = await events.next() {
                    if case .changed(let change) = event { seen.append("\(change.kind) \(change.path)") }
                }
                #expect(seen == ["dataChanged /w", "created /w/a", "created /w/a/b", "created /end"])
            }
        }
    }

    @Test("a wiped server ends the session after four thirds of its timeout, and the client goes on with a new one")
    func wiped() async throws {
        try await RealZooKeeper.withServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.sessionTimeout = .seconds(4)
            try await withClient(server.connectString, configuration) { client in
                var events = await client.events().makeAsyncIterator()
                for number in 0..<20 { try await client.create("/n\(number)") }
                let old = try #require(await nextSession(&events))
                try await server.wipe()
                var hasExpired = false
                while !hasExpired, let event = await events.next() { hasExpired = event == .expired }
                let new = try #require(await nextSession(&events))
                #expect(new.id != old.id)
                #expect(!new.isResumed)
                #expect(try await client.children(of: "/") == ["zookeeper"])
                try await client.create("/mine", mode: .ephemeral)
            }
        }
    }
}

/// Runs a client for as long as a body takes.
func withClient(
    _ servers: String, _ configuration: ZooKeeperClient.Configuration = .init(),
    _ body: @Sendable (ZooKeeperClient) async throws -> Void
) async throws {
    try await ZooKeeperClient.withClient(try ConnectionString(servers), configuration: configuration, body)
}

func failure(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
) async -> ZooKeeperError? {
    do {
        try await body()
        return nil
    } catch { return error as? ZooKeeperError }
}

func nextSession(_ events: inout ZooKeeperEvents.AsyncIterator) async -> Session? {
    while let event = await events.next() {
        if case .connected(let session) = event { return session }
    }
    return nil
}
