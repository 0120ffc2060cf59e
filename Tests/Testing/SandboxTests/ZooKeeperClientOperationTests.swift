import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Access control, transactions and credentials of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientOperationTests {
    private func failure(_ body: () async throws -> Void) async -> ZooKeeperError? {
        do {
            try await body()
            return nil
        } catch { return error as? ZooKeeperError }
    }

    @Test("a multi does all of its steps, by paths below the chroot")
    func multi() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/tenant/old")
            try await withZooKeeperClient(server.address + "/tenant") { client async throws in
                let results = try await client.multi([
                    .create("/a", data: ByteBuffer(string: "1")), .create("/a/n-", mode: .persistentSequential),
                    .setData(of: "/a", to: ByteBuffer(string: "2"), version: 0), .check("/a", version: 1),
                    .delete("/old"),
                ])
                #expect(results.count == 5)
                #expect(results[0] == .created(path: "/a"))
                #expect(results[1] == .created(path: "/a/n-0000000000"))
                guard case .dataSet(let stat) = results[2] else {
                    Issue.record("no stat")
                    return
                }
                #expect(stat.version == 1)
                #expect(results[3...] == [.checked, .deleted])
                #expect(await server.tree.data(at: "/tenant/a")?.text == "2")
                #expect(try await client.multi([]) == [])
            }
        }
    }

    @Test("a multi whose step fails does nothing, tells nobody and says which step it was")
    func failedMulti() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/", mode: .persistentRecursive)
                let error = await failure {
                    try await client.multi([.create("/a"), .create("/b/c"), .create("/d")])
                }
                #expect(error?.code == .noNode)
                #expect(error?.operationIndex == 1)
                #expect(error?.path == "/b/c")
                let invalid = await failure { try await client.multi([.create("/a"), .delete("nowhere")]) }
                #expect(invalid?.code == .invalidInput)
                #expect(invalid?.operationIndex == 1)
                try await client.create("/last")
                #expect(try await events.nextChange() == WatchEvent(kind: .created, path: "/last"))
            }
        }
    }

    @Test("an access control list is read as it was set, with a version of its own")
    func accessControl() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                try await client.create("/a", acl: .readOnly)
                let first = try await client.acl(of: "/a")
                #expect(first.acl == [.anyone(.read)])
                try await client.setACL(of: "/a", to: [.anyone(.all)], version: first.stat.aclVersion)
                let second = try await client.acl(of: "/a")
                #expect(second.acl == .open)
                #expect(second.stat.aclVersion == 1)
                #expect(await failure { try await client.setACL(of: "/a", to: .open, version: 0) }?.code == .badVersion)
                #expect(await failure { try await client.setACL(of: "/a", to: []) }?.code == .invalidACL)
            }
        }
    }

    @Test("children come with the stat of their parent")
    func childrenAndStat() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/p/a")
            try await withZooKeeperClient(server.address) { client in
                let (children, stat) = try await client.childrenAndStat(of: "/p")
                #expect(children == ["a"])
                #expect(stat.childCount == 1)
            }
        }
    }

    @Test("a watch that was removed tells nothing, and one that isn't there can't be removed")
    func removeWatches() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/w")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await client.data(of: "/w", watch: true)
                _ = try await client.children(of: "/w", watch: true)
                try await client.removeWatches("/w", kind: .data)
                #expect(await failure { try await client.removeWatches("/w", kind: .data) }?.code == .noWatcher)
                _ = try await client.setData(of: "/w", to: ByteBuffer(string: "x"))
                try await client.create("/w/c")
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/w"))
            }
        }
    }

    @Test("a sequential znode may be named by its number alone")
    func numberAlone() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/q")
            try await withZooKeeperClient(server.address) { client async throws in
                #expect(try await client.create("/q/", mode: .persistentSequential) == "/q/0000000000")
                #expect(await failure { try await client.create("/q/") }?.code == .invalidInput)
            }
        }
    }

    @Test("a credential that is refused fails requests with authFailed, and the client tries on with pauses")
    func authFailed() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.credentials = [Credential(scheme: "nonsense", secret: Array("hidden".utf8))]
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                var events = await client.events().makeAsyncIterator()
                let error = await failure { try await client.create("/a") }
                #expect(error?.code == .authFailed)
                #expect(error?.path == "/a")
                guard case .disconnected(let reason) = await events.next() else {
                    Issue.record("it never failed")
                    return
                }
                #expect(reason == "the server refused the nonsense credential")
                #expect(await server.tree.stat(at: "/a") == nil)
            }
        }
    }

    @Test("with a credential that is taken everything goes on as without, over every connection")
    func authenticated() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.credentials = [.digest(user: "ada", password: "secret")]
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.create("/a")
                _ = try await events.nextSession()
                await server.dropConnections()
                #expect(try await events.nextSession().isResumed)
                #expect(try await client.exists("/a") != nil)
            }
        }
    }
}
