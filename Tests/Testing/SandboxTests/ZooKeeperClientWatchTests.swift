import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Watches of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientWatchTests {
    @Test("a watch on children tells once, of the first child that comes or goes")
    func childWatch() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/s")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await client.children(of: "/s", watch: true)
                try await server.makePath("/s/a")
                try await server.makePath("/s/b")
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/s"))
                _ = try await client.children(of: "/s", watch: true)
                try await server.perform(.delete(path: "/s/a", version: -1))
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/s"))
                // Nothing came between: the second child found no watch.
                _ = try await client.data(of: "/s", watch: true)
                try await server.perform(.setData(path: "/s", data: ByteBuffer(string: "x"), version: -1))
                #expect(try await events.nextChange() == WatchEvent(kind: .dataChanged, path: "/s"))
            }
        }
    }

    @Test("a watch by exists tells when the znode comes")
    func existsWatch() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                #expect(try await client.exists("/later", watch: true) == nil)
                try await server.makePath("/later")
                #expect(try await events.nextChange() == WatchEvent(kind: .created, path: "/later"))
            }
        }
    }

    @Test("a watch on data and a watch on children tell of the end of a znode once")
    func deletion() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/gone")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await client.data(of: "/gone", watch: true)
                _ = try await client.children(of: "/gone", watch: true)
                _ = try await client.children(of: "/", watch: true)
                try await client.delete("/gone")
                #expect(try await events.nextChange() == WatchEvent(kind: .deleted, path: "/gone"))
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/"))
            }
        }
    }

    @Test("a recursive watch tells of every znode below that is made, changed or deleted, again and again")
    func recursive() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/dubbo", mode: .persistentRecursive)
                try await server.makePath("/dubbo/s/providers")
                try await server.perform(.setData(path: "/dubbo/s", data: ByteBuffer(string: "x"), version: -1))
                try await server.perform(.delete(path: "/dubbo/s/providers", version: -1))
                try await server.makePath("/dubbox")
                try await server.makePath("/dubbo/t")
                var seen: [WatchEvent] = []
                for _ in 0..<5 { seen.append(try await events.nextChange()) }
                #expect(
                    seen == [
                        WatchEvent(kind: .created, path: "/dubbo/s"),
                        WatchEvent(kind: .created, path: "/dubbo/s/providers"),
                        WatchEvent(kind: .dataChanged, path: "/dubbo/s"),
                        WatchEvent(kind: .deleted, path: "/dubbo/s/providers"),
                        WatchEvent(kind: .created, path: "/dubbo/t"),
                    ])
            }
        }
    }

    @Test("a persistent watch tells of the znode and of its list of children, again and again")
    func persistent() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/p", mode: .persistent)
                try await server.makePath("/p/a/deep")
                try await server.makePath("/p/b")
                var seen: [WatchEvent] = []
                for _ in 0..<3 { seen.append(try await events.nextChange()) }
                #expect(
                    seen == [
                        WatchEvent(kind: .created, path: "/p"),
                        WatchEvent(kind: .childrenChanged, path: "/p"),
                        WatchEvent(kind: .childrenChanged, path: "/p"),
                    ])
            }
        }
    }

    @Test("a server without persistent watches says so and closes; the session goes on")
    func withoutAddWatch() async throws {
        // The default session times: a busy machine must not let the session expire.
        var configuration = ZooKeeperServer.Configuration()
        configuration.supportsAddWatch = false
        try await withZooKeeperServer(ZooKeeperServer(configuration: configuration)) { server in
            try await server.makePath("/dubbo")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                await #expect { try await client.addWatch("/dubbo", mode: .persistentRecursive) } throws: { error in
                    (error as? ZooKeeperError)?.code == .unimplemented
                }
                let resumed = try await events.nextSession()
                #expect(resumed.id == session.id)
                #expect(resumed.isResumed)
                _ = try await client.children(of: "/dubbo", watch: true)
                try await server.makePath("/dubbo/a")
                #expect(try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/dubbo"))
            }
        }
    }

    @Test("an event reaches the client before the reply that shows the new state")
    func order() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/o")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await events.nextSession()
                for number in 0..<200 {
                    let before = try await client.data(of: "/o", watch: true).stat.version
                    async let write = client.setData(of: "/o", to: ByteBuffer(string: "\(number)"))
                    let after = try await client.data(of: "/o").stat.version
                    if after > before {
                        #expect(try await events.nextChange() == WatchEvent(kind: .dataChanged, path: "/o"))
                        _ = try await write
                    } else {
                        _ = try await write
                        _ = try await events.nextChange()
                    }
                }
            }
        }
    }
}
