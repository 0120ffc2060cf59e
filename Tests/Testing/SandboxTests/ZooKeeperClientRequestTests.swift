import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Requests of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientRequestTests {
    @Test("a znode is made, read, changed and deleted")
    func lifeOfAZnode() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                #expect(try await client.create("/a", data: ByteBuffer(string: "one")) == "/a")
                let first = try await client.data(of: "/a")
                #expect(first.data.text == "one")
                #expect(first.stat.version == 0)
                #expect(first.stat.dataLength == 3)
                let changed = try await client.setData(of: "/a", to: ByteBuffer(string: "three"), version: 0)
                #expect(changed.version == 1)
                #expect(changed.creationZxid == first.stat.creationZxid)
                #expect(changed.modificationZxid > first.stat.modificationZxid)
                #expect(try await client.data(of: "/a").data.text == "three")
                try await client.sync("/a")
                try await client.delete("/a", version: 1)
                #expect(try await client.exists("/a") == nil)
                #expect(await server.tree.stat(at: "/a") == nil)
            }
        }
    }

    @Test("children are listed, and the parent counts them")
    func children() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo/service/providers")
            try await withZooKeeperClient(server.address) { client in
                for name in ["x", "y", "z"] { try await client.create("/dubbo/service/providers/\(name)") }
                try await client.delete("/dubbo/service/providers/y")
                #expect(Set(try await client.children(of: "/dubbo/service/providers")) == ["x", "z"])
                let stat = try #require(try await client.exists("/dubbo/service/providers"))
                #expect(stat.childCount == 2)
                #expect(stat.childVersion == 4)
                #expect(stat.childModificationZxid > stat.creationZxid)
            }
        }
    }

    @Test("a sequential znode gets a number of ten digits that is never used again")
    func sequential() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                try await client.create("/q")
                #expect(try await client.create("/q/n-", mode: .persistentSequential) == "/q/n-0000000000")
                try await client.delete("/q/n-0000000000")
                #expect(try await client.create("/q/n-", mode: .ephemeralSequential) == "/q/n-0000000001")
            }
        }
    }

    @Test("the server's errors come with the path that was asked for")
    func errors() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                func code(_ body: () async throws -> Void) async -> ZooKeeperError? {
                    do {
                        try await body()
                        return nil
                    } catch { return error as? ZooKeeperError }
                }
                try await client.create("/e", mode: .ephemeral)
                try await client.create("/p")
                try await client.create("/p/q")
                let noNode = await code { _ = try await client.data(of: "/missing") }
                #expect(noNode?.code == .noNode)
                #expect(noNode?.path == "/missing")
                #expect(await code { try await client.create("/missing/child") }?.code == .noNode)
                #expect(await code { try await client.create("/p") }?.code == .nodeExists)
                #expect(await code { try await client.create("/e/c") }?.code == .noChildrenForEphemerals)
                #expect(await code { try await client.delete("/p") }?.code == .notEmpty)
                #expect(await code { try await client.delete("/p/q", version: 7) }?.code == .badVersion)
                #expect(await code { try await client.setData(of: "/p", to: .init(), version: 7) }?.code == .badVersion)
                #expect(await code { try await client.delete("/zookeeper") }?.code == .badArguments)
                #expect(await code { try await client.delete("//") }?.code == .invalidInput)
            }
        }
    }

    @Test("a client with a chroot sees only what is below it, by shorter paths")
    func chroot() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/tenant/one")
            try await withZooKeeperClient(server.address + "/tenant/one") { client async throws in
                var events = await client.events().makeAsyncIterator()
                #expect(try await client.children(of: "/", watch: true) == [])
                #expect(try await client.create("/ab") == "/ab")
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/"))
                #expect(try await client.children(of: "/") == ["ab"])
                #expect(await server.tree.stat(at: "/tenant/one/ab") != nil)
            }
        }
    }

    @Test("thousands of requests at once are all answered, each with its own answer")
    func pipelining() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                try await client.create("/many")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<2_000 {
                        group.addTask {
                            try await client.create("/many/\(number)", data: ByteBuffer(string: "\(number)"))
                        }
                    }
                    try await group.waitForAll()
                    for number in 0..<2_000 {
                        group.addTask {
                            let text = try await client.data(of: "/many/\(number)").data.text
                            #expect(text == "\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await client.children(of: "/many").count == 2_000)
            }
        }
    }

    @Test("a path that is refused for reads answers with that error until it no longer is")
    func refusal() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/secret")
            await server.refuse(path: "/secret", error: .noAuth)
            try await withZooKeeperClient(server.address) { client async throws in
                await #expect { try await client.children(of: "/secret") } throws: { error in
                    (error as? ZooKeeperError)?.code == .noAuth
                }
                await server.refuse(path: "/secret", error: nil)
                #expect(try await client.children(of: "/secret") == [])
            }
        }
    }
}
