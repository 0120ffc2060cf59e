import IsthmusTesting
import NIOCore
import Sandbox
import Testing
import ZooKeeper

@Suite("Requests of the ZooKeeper client that are cancelled or time out", .timeLimit(.minutes(1)))
struct ZooKeeperClientCancellationTests {
    @Test("a cancelled request ends while the server is silent, and the replies after it find their requests")
    func onTheWire() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/a/b")
            try await withZooKeeperClient(server.address) { client in
                let session = try await client.waitUntilConnected()
                await server.pause()
                let error = await withTaskGroup(of: ZooKeeperError?.self) { group in
                    group.addTask { await failure { try await client.children(of: "/a") } }
                    try? await yield(while: await client.outstandingRequests == 0)
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(error?.code == .cancelled)
                #expect(error?.path == "/a")
                #expect(error?.isOutcomeUnknown == false)
                // It counts until its reply.
                #expect(await client.outstandingRequests == 1)
                async let stat = client.exists("/a")
                async let children = client.children(of: "/a")
                await server.resume()
                #expect(try await stat?.childCount == 1)
                #expect(try await children == ["b"])
                #expect(await client.outstandingRequests == 0)
                #expect(try await client.waitUntilConnected() == session)
            }
        }
    }

    @Test("a cancelled write that was sent has an unknown outcome, and here it took effect")
    func write() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                try await client.waitUntilConnected()
                await server.pause()
                let error = await withTaskGroup(of: ZooKeeperError?.self) { group in
                    group.addTask { await failure { try await client.create("/made") } }
                    try? await yield(while: await client.outstandingRequests == 0)
                    group.cancelAll()
                    return await group.next() ?? nil
                }
                #expect(error?.code == .cancelled)
                #expect(error?.isOutcomeUnknown == true)
                await server.resume()
                #expect(try await client.exists("/made") != nil)
            }
        }
    }

    @Test("a request of a task that is cancelled already is not sent")
    func before() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                try await client.waitUntilConnected()
                let error = await withTaskGroup(of: ZooKeeperError?.self) { group in
                    group.cancelAll()
                    group.addTask { await failure { try await client.create("/never") } }
                    return await group.next() ?? nil
                }
                #expect(error?.code == .cancelled)
                #expect(error?.isOutcomeUnknown == false)
                #expect(try await client.exists("/never") == nil)
            }
        }
    }

    @Test("thousands of requests, half of them cancelled at any moment, end once each and in order")
    func many() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/n")
            try await withZooKeeperClient(server.address) { client in
                try await client.waitUntilConnected()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await withTaskGroup(of: Void.self) { cancelled in
                            for _ in 0..<1_000 {
                                cancelled.addTask {
                                    let code = await failure { try await client.children(of: "/") }?.code
                                    #expect(code == nil || code == .cancelled)
                                }
                            }
                            await cancelled.next()
                            cancelled.cancelAll()
                        }
                    }
                    for number in 0..<1_000 {
                        group.addTask {
                            let path = try? await client.create("/n/\(number)")
                            #expect(path == "/n/\(number)")
                        }
                    }
                }
                #expect(try await client.children(of: "/n").count == 1_000)
                #expect(await client.outstandingRequests == 0)
            }
        }
    }

    @Test("a request without a reply times out, and the session and its connection go on")
    func timeout() async throws {
        try await withZooKeeperServer { server in
            var configuration = ZooKeeperClient.Configuration()
            configuration.requestTimeout = .milliseconds(100)
            let client = ZooKeeperClient(
                try ConnectionString(try await server.address), configuration: configuration)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await client.run() }
                let session = try await client.waitUntilConnected()
                await server.pause()
                let read = await failure { try await client.exists("/") }
                let write = await failure { try await client.create("/made") }
                await server.resume()
                #expect([read?.code, write?.code] == [.requestTimeout, .requestTimeout])
                #expect([read?.isOutcomeUnknown, write?.isOutcomeUnknown] == [false, true])
                try await yield(while: await client.outstandingRequests > 0)
                #expect(await server.tree.stat(at: "/made") != nil)
                #expect(try await client.waitUntilConnected() == session)
                group.cancelAll()
            }
        }
    }

    @Test("a request that waits for a connection times out too")
    func timeoutWithoutConnection() async throws {
        // A server that never replies to a handshake.
        try await withScriptedServer(ServerScript { _, _, _ in }) { address in
            var configuration = ZooKeeperClient.Configuration()
            configuration.requestTimeout = .milliseconds(50)
            try await withZooKeeperClient(address, configuration: configuration) { client in
                #expect(await failure { try await client.exists("/") }?.code == .requestTimeout)
            }
        }
    }
}

@Suite("The start and the end of the ZooKeeper client", .timeLimit(.minutes(1)))
struct ZooKeeperClientLifecycleTests {
    @Test("a request fails at once before run() and after its end; in between it waits for the first connection")
    func requests() async throws {
        try await withZooKeeperServer { server in
            let client = ZooKeeperClient(try ConnectionString(try await server.address))
            #expect(await failure { try await client.exists("/") }?.code == .notRunning)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await client.run() }
                try await client.waitUntilConnected()
                #expect(try await client.exists("/") != nil)
                group.cancelAll()
            }
            #expect(await failure { try await client.exists("/") }?.code == .closed)
            #expect(await failure { try await client.waitUntilConnected() }?.code == .closed)
        }
    }

    @Test("withClient gives its result, lets requests wait for the first connection, and ends the session")
    func scope() async throws {
        try await withZooKeeperServer { server in
            let servers = try ConnectionString(try await server.address)
            let stat = try await ZooKeeperClient.withClient(servers) { client in
                try await client.create("/mine", mode: .ephemeral)
                return try await client.exists("/mine")
            }
            #expect(stat != nil)
            #expect(await server.tree.sessionIDs.isEmpty)
            #expect(await server.tree.stat(at: "/mine") == nil)
        }
    }

    @Test("withClient throws the error of its body and ends the session")
    func failingScope() async throws {
        try await withZooKeeperServer { server in
            let servers = try ConnectionString(try await server.address)
            await #expect(throws: EventsEnded.self) {
                try await ZooKeeperClient.withClient(servers) { client in
                    try await client.waitUntilConnected()
                    throw EventsEnded()
                }
            }
            #expect(await server.tree.sessionIDs.isEmpty)
        }
    }

    @Test("a wait for a connection ends with its task")
    func cancelledWait() async throws {
        let client = ZooKeeperClient(try ConnectionString("127.0.0.1:1"))
        let error = await withTaskGroup(of: ZooKeeperError?.self) { group in
            group.addTask { await failure { try await client.waitUntilConnected() } }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.code == .cancelled)
    }
}
