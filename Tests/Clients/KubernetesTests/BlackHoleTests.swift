import Concurrency
import Synchronization
import Testing

@testable import Kubernetes

@Suite("Dead connections", .timeLimit(.minutes(1)))
struct BlackHoleTests {
    /// Answers until the switch is thrown. After that, all connections that exist at that moment are silent.
    private final class Hole: Sendable {
        private let last = Mutex(-1)
        private let lost = Mutex<Int?>(nil)

        func swallow() { lost.withLock { lost in lost = last.withLock { $0 } } }

        func reply(to request: TestServer.Request, _ reply: TestServer.Reply) -> TestServer.Reply {
            if let lost = lost.withLock({ $0 }), request.connection <= lost { return .blackHole }
            last.withLock { $0 = max($0, request.connection) }
            return reply
        }
    }

    @Test("cost a client one timeout, however many of them it keeps")
    func unary() async throws {
        let (hole, isOpen) = (Hole(), EventCount())
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            let (later, feed) = AsyncStream.makeStream(of: String.self)
            // The first replies wait for each other, so each request needs a connection of its own.
            Task {
                await isOpen.wait(after: 0)
                feed.yield(objectText("a", version: "1"))
                feed.finish()
            }
            return hole.reply(to: request, .init(later: later))
        }
        try await TestServer.run(handler) { server in
            let clock = ManualClock()
            try await withClient(ClusterConfiguration(server: server.url), clock: clock) { client in
                let get = { @Sendable () async throws(KubernetesError) in
                    try await client.get(configMaps, name: "a", namespace: "ns")
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 { group.addTask { _ = try await get() } }
                    try await until { server.requests.count == 6 }
                    isOpen.signal()
                    try await group.waitForAll()
                }
                hole.swallow()
                async let lost = failure(get)
                try await until { server.requests.count == 7 }
                try await clock.advance(by: .seconds(30))
                #expect(try await lost.code == .timedOut)
                // Time stands still: a request on a dead connection would never end.
                for _ in 0..<8 { _ = try await get() }
                #expect(server.requests.dropFirst(7).allSatisfy { $0.connection > 5 })
            }
        }
    }

    @Test("cost a watcher one timeout, and requests meanwhile none")
    func watch() async throws {
        let hole = Hole()
        let (later, feed) = AsyncStream.makeStream(of: String.self)
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            switch (request.isWatch, request.query["resourceVersion"]) {
            // The watch is silent after its first event.
            case (true, "10"): hole.reply(to: request, .init(later: later))
            case (true, _): .lines([eventText("ADDED", "b", version: "12")], ending: .silent)
            default: .json(listText([], version: "10"))
            }
        }
        var options = KubernetesClient.Options()
        options.watchIdleTimeout = .seconds(6)
        try await TestServer.run(handler) { [options] server in
            try await withClient(ClusterConfiguration(server: server.url), options: options) { client in
                var events = client.watcher(configMaps).makeAsyncIterator()
                _ = await (events.next(), events.next())
                feed.yield(eventText("ADDED", "a", version: "11") + "\n")
                #expect(try await events.next() == .changed(object("a", version: "11")))
                #expect(try await events.next() == .changed(object("b", version: "12")))
                for try await _ in client.list(configMaps) {}
                #expect(server.requests.filter(\.isWatch).count == 2)
                feed.finish()
            }
        }
    }
}
