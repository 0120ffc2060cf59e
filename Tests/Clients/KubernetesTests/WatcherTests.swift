import Synchronization
import Testing

@testable import Kubernetes

@Suite("A watcher", .timeLimit(.minutes(1)))
struct WatcherTests {
    /// Up to `count` events in short form, from a server that gives each list and each watch in turn.
    private func follow(
        lists: [TestServer.Reply], watches: [TestServer.Reply], count: Int, idle: Duration = .seconds(60)
    ) async throws -> (events: [String], requests: [TestServer.Request]) {
        let rest = Mutex((lists: lists[...], watches: watches[...]))
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            rest.withLock { rest in
                (request.isWatch ? rest.watches.popFirst() : rest.lists.popFirst()) ?? .blackHole
            }
        }
        var options = KubernetesClient.Options()
        options.requestTimeout = .seconds(3600)
        options.watchIdleTimeout = idle
        return try await TestServer.run(handler) { [options] server in
            let configuration = ClusterConfiguration(server: server.url)
            let events = try await withClient(configuration, options: options, clock: SkippingClock()) { client in
                var events: [String] = []
                for await event in client.watcher(configMaps, watching: .metadataOnly, pageSize: 2) {
                    events.append(Self.short(event))
                    if events.count == count { break }
                }
                return events
            }
            return (events, server.requests)
        }
    }

    private static func short(_ event: WatcherEvent) -> String {
        switch event {
        case .listBegins: "begins"
        case .object(let object): "object \(object.metadata.name)"
        case .listComplete: "complete"
        case .changed(let object): "changed \(object.metadata.name)"
        case .deleted(let object): "deleted \(object.metadata.name)"
        case .interrupted(let error, _): "interrupted \(error.code)"
        }
    }

    @Test("lists, watches, and watches again after the server's timeout")
    func normal() async throws {
        let (events, requests) = try await follow(
            lists: [
                .json(listText(["a", "b"], version: "10", continuing: "x")), .json(listText(["c"], version: "10")),
            ],
            watches: [
                .lines([eventText("MODIFIED", "a", version: "11"), bookmarkText(version: "15")]),
                .lines([eventText("DELETED", "b", version: "16")], ending: .silent),
            ],
            count: 7)
        #expect(
            events == ["begins", "object a", "object b", "object c", "complete", "changed a", "deleted b"])
        #expect(requests.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "15"])
        for watch in requests.filter(\.isWatch) {
            #expect((300...600).contains(Int(watch.query["timeoutSeconds"] ?? "") ?? 0))
        }
    }

    @Test("relists when its version is too old, and when the list fails half-way")
    func relist() async throws {
        let (events, requests) = try await follow(
            lists: [
                .json(listText(["a"], version: "10", continuing: "x")), .json("overloaded", status: 503),
                .json(listText(["b"], version: "20")), .json(listText(["c"], version: "30")),
            ],
            watches: [
                .lines([#"{"type":"ERROR","object":\#(expiredText)}"#]), .json("", status: 410),
            ],
            count: 9)
        #expect(
            events == [
                "begins", "object a", "interrupted unavailable", "begins", "object b", "complete", "begins",
                "object c", "complete",
            ])
        #expect(requests.filter { !$0.isWatch }.map { $0.query["continue"] } == [nil, "x", nil, nil])
    }

    @Test("begins its list again when the snapshot expires between two pages")
    func expiredPages() async throws {
        let (events, requests) = try await follow(
            lists: [
                .json(listText(["a"], version: "10", continuing: "x")), .json(expiredText, status: 410),
                .json(listText(["b"], version: "20", continuing: "y")), .json(listText(["c"], version: "20")),
            ],
            watches: [.lines([eventText("ADDED", "d", version: "21")], ending: .silent)],
            count: 8)
        #expect(
            events == [
                "begins", "object a", "interrupted gone", "begins", "object b", "object c", "complete", "changed d",
            ])
        #expect(requests.filter { !$0.isWatch }.map { $0.query["continue"] } == [nil, "x", nil, "y"])
    }

    @Test("watches again from the last version when the connection breaks, falls silent or is refused")
    func reconnects() async throws {
        let (events, requests) = try await follow(
            lists: [.json(listText([], version: "10"))],
            watches: [
                .lines([bookmarkText(version: "12")], ending: .broken),
                .lines([bookmarkText(version: "12")], ending: .silent),
                .json("", status: 500), .lines([eventText("ADDED", "a", version: "13")], ending: .silent),
            ],
            count: 5, idle: .seconds(8))
        #expect(
            events == [
                "begins", "complete", "interrupted connectionLost", "interrupted serverError", "changed a",
            ])
        #expect(requests.filter(\.isWatch).map { $0.query["resourceVersion"] } == ["10", "12", "12", "12"])
    }

    @Test("ends when its task is cancelled, also while nothing happens")
    func cancellation() async throws {
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            request.isWatch ? .lines([], ending: .silent) : .json(listText([], version: "10"))
        }
        try await TestServer.run(handler) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for await _ in client.watcher(configMaps) {} }
                    try await until { server.requests.contains(where: \.isWatch) }
                    group.cancelAll()
                }
            }
        }
    }

    @Test("ends when the client is shut down")
    func shutdown() async throws {
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            request.isWatch ? .lines([], ending: .silent) : .json(listText([], version: "10"))
        }
        try await TestServer.run(handler) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for await _ in client.watcher(configMaps) {} }
                    try await until { server.requests.contains(where: \.isWatch) }
                    await client.shutdown()
                }
            }
        }
    }
}
