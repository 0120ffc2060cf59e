import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Sessions of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientSessionTests {
    @Test("a sequence of events starts with what last became of the session")
    func firstEvent() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var early = await client.events().makeAsyncIterator()
                guard case .connected(let session) = await early.next() else {
                    Issue.record("the client did not connect at once")
                    return
                }
                #expect(!session.isResumed)
                var late = await client.events().makeAsyncIterator()
                #expect(await late.next() == .connected(session))
            }
        }
    }

    @Test("the timeout is cut to what the server allows")
    func negotiation() async throws {
        try await withZooKeeperServer(.quick()) { server in
            var configuration = ZooKeeperClient.Configuration()
            for (wish, granted) in [
                (Duration.seconds(30), Duration.seconds(2)), (.milliseconds(150), .milliseconds(200)),
            ] {
                configuration.sessionTimeout = wish
                try await withZooKeeperClient(server.address, configuration: configuration) { client async throws in
                    var events = await client.events().makeAsyncIterator()
                    #expect(try await events.nextSession().timeout == granted)
                }
            }
        }
    }

    @Test(
        "a dropped connection is made anew and the session goes on, with its ephemeral znodes and without its watches")
    func resumption() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                try await client.create("/mine", mode: .ephemeral)
                _ = try await client.data(of: "/mine", watch: true)
                await server.dropConnections()
                guard case .disconnected = await events.next() else {
                    Issue.record("the client did not notice")
                    return
                }
                let resumed = try await events.nextSession()
                #expect(resumed.id == session.id)
                #expect(resumed.isResumed)
                #expect(try await client.exists("/mine")?.ephemeralOwner == session.id)
                #expect(await !server.tree.isWatched("/mine", by: session.id))
            }
        }
    }

    @Test("an expired session is told of, and a new one follows without its ephemeral znodes")
    func expiry() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                try await client.create("/mine", mode: .ephemeral)
                await server.expireSession(session.id)
                #expect(await server.tree.stat(at: "/mine") == nil)
                // The connection is cut, and only a new one shows that the session is gone with it.
                guard case .disconnected = await events.next() else {
                    Issue.record("the client did not notice")
                    return
                }
                #expect(await events.next() == .expired)
                guard case .connected(let new) = await events.next() else {
                    Issue.record("no session followed at once")
                    return
                }
                #expect(new.id != session.id)
                #expect(!new.isResumed)
            }
        }
    }

    @Test("a session whose client is gone expires, and its ephemeral znodes go")
    func silence() async throws {
        try await withZooKeeperServer(.quick()) { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                try await client.create("/mine", mode: .ephemeral)
                await server.refuseConnections()
                await server.dropConnections()
                try await server.wait { !$0.sessionIDs.contains(session.id) }
                #expect(await server.tree.stat(at: "/mine") == nil)
                await server.refuseConnections(false)
                let new = try await events.nextSession()
                #expect(!new.isResumed)
            }
        }
    }

    @Test("pings keep an idle session alive")
    func pings() async throws {
        try await withZooKeeperServer(.quick { $0.tick = .milliseconds(300) }) { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.sessionTimeout = .seconds(6)
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                let first = await server.tree.deadline
                // As long as pings come, the deadline moves.
                try await server.wait { tree in
                    guard let first, let deadline = tree.deadline else { return false }
                    return deadline > first + .milliseconds(5_400)
                }
                #expect(await server.tree.sessionIDs == [session.id])
                #expect(try await client.exists("/") != nil)
            }
        }
    }

    @Test("stopping the client ends its session at the server at once")
    func graceful() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.sessionTimeout = .seconds(40)
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                try await client.create("/mine", mode: .ephemeral)
                #expect(await server.tree.sessionIDs.count == 1)
            }
            // No waiting: `run()` returned after the server's answer.
            #expect(await server.tree.sessionIDs.isEmpty)
            #expect(await server.tree.stat(at: "/mine") == nil)
        }
    }

    @Test("requests of a stopped client fail, and its events end")
    func stopped() async throws {
        try await withZooKeeperServer { server in
            let client = ZooKeeperClient(try ConnectionString(try await server.address))
            let events = await client.events()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await client.run() }
                for await event in events {
                    if case .connected = event { break }
                }
                group.cancelAll()
            }
            await #expect { try await client.children(of: "/") } throws: { error in
                (error as? ZooKeeperError)?.code == .closed
            }
            for await _ in await client.events() {}
        }
    }

    @Test("a server that answers no more is given up, and requests fail meanwhile")
    func silentServer() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            // Silence is noticed after two thirds of it, and the session given up after four thirds: between them there
            // must be time for a test that waits for its turn on a busy machine.
            configuration.sessionTimeout = .seconds(12)
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try await events.nextSession()
                await server.pause()
                await #expect { try await client.children(of: "/") } throws: { error in
                    (error as? ZooKeeperError)?.code == .connectionLoss
                }
                let event = await events.next()
                guard case .disconnected(let reason) = event else {
                    Issue.record("the client did not notice: \(event as Any)")
                    return
                }
                #expect(reason.contains("silent"))
                await server.resume()
                let resumed = try await events.nextSession()
                #expect(resumed.id == session.id)
            }
        }
    }

    @Test("a dead server among several is passed over")
    func severalServers() async throws {
        try await withZooKeeperServer { server in
            let port = try await server.port
            // Nobody listens on port 1, and whichever of the two comes first, the client ends at the living one.
            for _ in 0..<4 {
                try await withZooKeeperClient("127.0.0.1:1,127.0.0.1:\(port)") { client async throws in
                    var events = await client.events().makeAsyncIterator()
                    #expect(try await events.nextSession().server.port == port)
                    #expect(try await client.exists("/") != nil)
                }
            }
        }
    }

    @Test("a request that nobody can answer fails rather than waits")
    func nobody() async throws {
        try await withZooKeeperClient("127.0.0.1:1") { client in
            await #expect { try await client.children(of: "/") } throws: { error in
                (error as? ZooKeeperError)?.code == .connectionLoss
            }
        }
    }

    @Test("a session outlives any number of connections")
    func manyConnections() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await events.nextSession()
                for _ in 0..<6 {
                    await server.dropConnections()
                    #expect(try await events.nextSession().isResumed)
                }
                #expect(await server.tree.sessionIDs.count == 1)
            }
        }
    }
}
