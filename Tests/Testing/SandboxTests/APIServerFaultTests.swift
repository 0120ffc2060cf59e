import JSON
import NIOHTTP1
import Sandbox
import Testing

private let entries = "/apis/networking.istio.io/v1/namespaces/default/serviceentries"

@Suite("The API-server double under fault", .timeLimit(.minutes(1)))
struct APIServerFaultTests {
    @Test("the next requests that match are answered as told, and the ones after them properly")
    func respond() async throws {
        try await withAPIServer { server in
            await server.inject(
                .respond(status: 429, headers: [("Retry-After", "1")], body: "slow down"), times: 2,
                where: { $0.verb == .create && $0.resource == "serviceentries" })
            try await withConnection(to: server) { connection in
                #expect(try await connection.request(.GET, entries)?.status == 200)
                for _ in 0..<2 {
                    let refused = try await connection.request(.POST, entries, body: serviceEntry("a"))
                    #expect(refused?.status == 429)
                    #expect(refused?.headers.first(name: "retry-after") == "1")
                    #expect(refused?.body == Array("slow down".utf8))
                }
                #expect(await server.store.keys(.serviceEntry).isEmpty)
                #expect(try await connection.request(.POST, entries, body: serviceEntry("a"))?.status == 201)
            }
            #expect(await server.requestCounts[.create, "serviceentries"] == 3)
        }
    }

    @Test("a fault without a body answers with a Status object")
    func status() async throws {
        try await withAPIServer { server in
            await server.inject(.respond(status: 503))
            try await withConnection(to: server) { connection in
                let answer = try await connection.request(.GET, entries)
                #expect(answer?.json?["kind"] == "Status")
                #expect(answer?.json?["reason"] == "ServiceUnavailable")
            }
        }
    }

    @Test("a dropped connection carries nothing out; a lost reply does")
    func drops() async throws {
        try await withAPIServer { server in
            for (fault, name, isCarriedOut) in [(APIServerFault.dropConnection, "a", false), (.loseReply, "b", true)] {
                await server.inject(fault, where: { $0.verb == .create })
                try await withConnection(to: server) { connection in
                    let answer = try await connection.request(.POST, entries, body: serviceEntry(name))
                    #expect(answer == nil)
                }
                let object = await server.store.object(.serviceEntry, namespace: "default", name: name)
                #expect((object != nil) == isCarriedOut)
            }
        }
    }

    @Test("a request that hangs holds up only its own connection")
    func hang() async throws {
        try await withAPIServer { server in
            await server.inject(.hang, where: { $0.name == "hung" })
            try await withConnection(to: server) { hung in
                try await hung.send(.GET, entries + "/hung")
                try await server.waitForRequests { $0[.get, "serviceentries"] == 1 }
                try await withConnection(to: server) { connection in
                    let answer = try await connection.request(.GET, entries)
                    #expect(answer?.status == 200)
                }
            }
        }
    }

    @Test("a wait ends with the change that it waits for, even when the next one undoes it")
    func waiting() async throws {
        try await withAPIServer { server in
            let (evaluations, evaluation) = AsyncStream.makeStream(of: Void.self)
            async let appeared: Void = server.wait { store in
                evaluation.yield()
                return store.object(.serviceEntry, namespace: "default", name: "a") != nil
            }
            for await _ in evaluations { break }
            try await server.perform(.create(serviceEntry("a")))
            try await server.perform(.delete("a"))
            try await appeared
        }
    }

    @Test("a wait ends when its task is cancelled")
    func cancelledWait() async throws {
        let server = APIServer()
        let waiting = Task { try await server.wait { _ in false } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test("the server stops although watches are open and requests hang, and says that it stopped")
    func stop() async throws {
        let server = APIServer()
        await server.inject(.hang, where: { $0.name == "hung" })
        let serving = Task { try await server.run() }
        try await withConnection(to: server) { watching in
            try await watching.send(.GET, entries + "?watch=1")
            _ = try await watching.receiveHead()
            try await withConnection(to: server) { hung in
                try await hung.send(.GET, entries + "/hung")
                try await server.waitForRequests { $0[.get, "serviceentries"] == 1 }
                serving.cancel()
                try await serving.value
                #expect(try await hung.receive() == nil)
            }
        }
        await #expect(throws: APIServerStopped.self) { try await server.address }
    }

    @Test("a port that is taken is an error at once")
    func portTaken() async throws {
        try await withAPIServer { first in
            let port = try await first.address.port
            await #expect(throws: (any Error).self) {
                try await withAPIServer(APIServer(port: port)) { _ in }
            }
        }
    }
}
