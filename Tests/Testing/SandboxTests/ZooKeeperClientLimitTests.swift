import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Replies above the limit of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientLimitTests {
    private static var configuration: ZooKeeperClient.Configuration {
        var configuration = ZooKeeperClient.Configuration()
        configuration.replyLimit = 4_096
        return configuration
    }

    /// A list of 100 providers with long names, and many short ones.
    private func fill(_ server: ZooKeeperServer) async throws {
        for number in 0..<100 {
            try await server.makePath("/dubbo/big/providers/\(number)-" + String(repeating: "x", count: 100))
        }
        for number in 0..<50 { try await server.makePath("/dubbo/small-\(number)/providers/one") }
    }

    @Test("a list that is too long fails alone; the others are read, and connection and session go on")
    func list() async throws {
        try await withZooKeeperServer { server in
            try await fill(server)
            try await withZooKeeperClient(server.address, configuration: Self.configuration) { client async throws in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                let interfaces = try await client.children(of: "/dubbo")
                let failures = await withTaskGroup(of: ZooKeeperError?.self) { group in
                    for interface in interfaces + interfaces {
                        group.addTask {
                            do throws(ZooKeeperError) {
                                #expect(try await client.children(of: "/dubbo/\(interface)/providers") == ["one"])
                                return nil
                            } catch { return error }
                        }
                    }
                    return await group.reduce(into: []) { failures, error in failures += error.map { [$0] } ?? [] }
                }
                #expect(failures.map(\.code) == [.replyTooLarge, .replyTooLarge])
                #expect(failures.first?.path == "/dubbo/big/providers")
                #expect(failures.first?.description.contains("the limit is 4096; raise replyLimit") == true)
                var state = await client.events().makeAsyncIterator()
                #expect(await state.next() == .connected(session))
            }
        }
    }

    @Test("a watch that came with a list that is too long stands")
    func watch() async throws {
        try await withZooKeeperServer { server in
            try await fill(server)
            try await withZooKeeperClient(server.address, configuration: Self.configuration) { client in
                var events = await client.events().makeAsyncIterator()
                await #expect { try await client.children(of: "/dubbo/big/providers", watch: true) } throws: { error in
                    (error as? ZooKeeperError)?.code == .replyTooLarge
                }
                try await server.makePath("/dubbo/big/providers/one-more")
                #expect(
                    try await events.nextChange() == WatchEvent(kind: .childrenChanged, path: "/dubbo/big/providers"))
            }
        }
    }

    @Test("a watch event that is too long is told of as an overflow, and the watch tells on")
    func event() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address, configuration: Self.configuration) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await events.nextSession()
                try await client.addWatch("/", mode: .persistentRecursive)
                try await server.makePath("/" + String(repeating: "x", count: 5_000))
                try await server.makePath("/short")
                #expect(await events.next() == .overflowed)
                #expect(await events.next() == .changed(WatchEvent(kind: .created, path: "/short")))
            }
        }
    }

    @Test("a request above the server's limit still costs the connection")
    func request() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                let data = ByteBuffer(repeating: 1, count: 1 << 20)
                await #expect { try await client.create("/a", data: data) } throws: { error in
                    (error as? ZooKeeperError)?.code == .connectionLoss
                }
                #expect(try await events.nextSession().id == session.id)
            }
        }
    }
}
