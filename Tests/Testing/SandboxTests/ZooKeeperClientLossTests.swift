import IsthmusTesting
import NIOCore
import NIOPosix
import Sandbox
import Testing
import ZooKeeper

@Suite("A ZooKeeper client that is cut off", .timeLimit(.minutes(1)))
struct ZooKeeperClientLossTests {
    @Test("a wiped ensemble ends the session after four thirds of its timeout, and a new one begins")
    func wiped() async throws {
        var configuration = ZooKeeperClient.Configuration()
        configuration.sessionTimeout = .seconds(6)
        // The server that the client meets first has a history, the one after it has none.
        let proxy = try await ChaosProxy.start(to: 0)
        try await proxy.refuse()
        let client = ZooKeeperClient(try ConnectionString(proxy.address), configuration: configuration)
        let events = await client.events()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            try await withZooKeeperServer(.quick { $0.tick = .milliseconds(300) }) { server in
                await proxy.redirect(to: try await server.port)
                try await proxy.refuse(false)
                try await server.makePath("/a/long/history/of/writes")
                for await event in events {
                    if case .connected = event { break }
                }
                try await client.create("/mine", mode: .ephemeral)
            }
            try await proxy.refuse()
            try await withZooKeeperServer(.quick { $0.tick = .milliseconds(300) }) { server in
                await proxy.redirect(to: try await server.port)
                try await proxy.refuse(false)
                var seen: [ZooKeeperEvent] = []
                for await event in events {
                    seen.append(event)
                    if case .connected(let session) = event, !session.isResumed, seen.contains(.expired) { break }
                }
                #expect(seen.filter { $0 == .expired }.count == 1)
                #expect(try await client.exists("/mine") == nil)
                try await client.create("/new", mode: .ephemeral)
                #expect(await server.tree.sessionIDs.count == 1)
            }
            group.cancelAll()
        }
        await proxy.stop()
    }

    @Test("a client that connects into a black hole stops at once")
    func blackHole() async throws {
        // A full backlog: the kernel drops further attempts without a word, as a lost network does.
        let hole = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 0)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(hole.localAddress?.port)
        var fillers: [any Channel] = []
        for _ in 0..<4 {
            let attempt = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.milliseconds(200)).connect(host: "127.0.0.1", port: port)
            if let filler = try? await attempt.get() { fillers.append(filler) }
        }
        #expect(fillers.count < 4, "the hole takes connections")
        let client = ZooKeeperClient(try ConnectionString("127.0.0.1:\(port)"))
        #expect(await !client.isConnecting)
        let clock = ContinuousClock()
        let took = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            try await yield(while: await !client.isConnecting)
            // A request waits for the attempt under way, and fails when the client stops.
            async let failure = failure { try await client.exists("/") }
            try await yield(while: await client.outstandingRequests == 0)
            let start = clock.now
            group.cancelAll()
            try await group.waitForAll()
            let took = clock.now - start
            #expect(await failure?.code == .closed)
            return took
        }
        // The attempt itself would take ten.
        #expect(took < .seconds(9))
        for channel in fillers + [hole] { try? await channel.close().get() }
    }

    @Test("a client whose server answers nothing more stops within two seconds")
    func silentServer() async throws {
        try await withZooKeeperServer { server in
            let client = ZooKeeperClient(try ConnectionString(try await server.address))
            let clock = ContinuousClock()
            let took = await withTaskGroup(of: Void.self) { group in
                group.addTask { await client.run() }
                for await event in await client.events() {
                    if case .connected = event { break }
                }
                await server.pause()
                let start = clock.now
                group.cancelAll()
                await group.waitForAll()
                return clock.now - start
            }
            await server.resume()
            // Silence alone would be noticed after twenty.
            #expect(took < .seconds(15))
        }
    }

    @Test("more requests than the bound fail at once and harm no other")
    func bound() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.maximumOutstandingRequests = 10
            try await withZooKeeperClient(server.address, configuration: configuration) { client in
                _ = try await client.exists("/")
                await server.pause()
                let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<15 {
                        group.addTask {
                            do throws(ZooKeeperError) {
                                _ = try await client.exists("/")
                                return false
                            } catch {
                                guard error.code == .tooManyRequests else { throw error }
                                return true
                            }
                        }
                    }
                    var refused = 0
                    // Only those above the bound end while the server is paused.
                    while refused < 5, try await group.next() == true { refused += 1 }
                    await server.resume()
                    for try await isRefused in group { #expect(!isRefused) }
                    return refused
                }
                #expect(refused == 5)
            }
        }
    }
}
