import IsthmusTesting
import JSON
import Testing

@testable import Kubernetes

@Suite("A client and its failures", .timeLimit(.minutes(1)))
struct ClientFaultTests {
    private func patchFailure(_ client: KubernetesClient) async throws -> KubernetesError {
        try await failure { () async throws(KubernetesError) in
            try await client.mergePatch(configMaps, name: "a", namespace: "ns", body: [:] as JSONValue)
        }
    }

    @Test("gives up on a server that never answers, and the next request works", arguments: [true, false])
    func blackHole(isHeadSent: Bool) async throws {
        let stalled: TestServer.Reply = isHeadSent ? .init(chunks: ["{"], ending: .silent) : .blackHole
        try await TestServer.run(replies: [stalled, .json(objectText("a", version: "7"))]) { server in
            let clock = ManualClock()
            try await withClient(ClusterConfiguration(server: server.url), clock: clock) { client in
                async let failure = patchFailure(client)
                try await until { !server.requests.isEmpty }
                try await clock.advance(by: .seconds(30))
                let error = try await failure
                #expect(error.code == .timedOut)
                #expect(error.isOutcomeUnknown)
                #expect(error.path == "PATCH /api/v1/namespaces/ns/configmaps/a")
                #expect(try await client.get(configMaps, name: "a", namespace: "ns").metadata.resourceVersion == "7")
            }
        }
    }

    @Test("knows that a write was never sent when there is no connection")
    func refusedConnection() async throws {
        let unused = try ReservedPort()
        defer { withExtendedLifetime(unused) {} }
        let port = unused.port
        for host in ["127.0.0.1", "localhost"] {
            try await withClient(ClusterConfiguration(server: "http://\(host):\(port)")) { client in
                let error = try await patchFailure(client)
                #expect(error.code == .unreachable)
                #expect(!error.isOutcomeUnknown)
                #expect(error.message.contains("\(host):\(port): the connection was refused"))
            }
        }
    }

    @Test("does not know the outcome of a write whose connection breaks")
    func brokenConnection() async throws {
        try await TestServer.run(replies: [.init(chunks: ["{"], ending: .broken)]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let error = try await patchFailure(client)
                #expect(error.code == .connectionLost)
                #expect(error.isOutcomeUnknown)
            }
        }
    }

    @Test("refuses a reply beyond its limit")
    func largeReply() async throws {
        var options = KubernetesClient.Options()
        options.maximumReplyBytes = 100
        let large = #"{"a":"\#(String(repeating: "x", count: 200))"}"#
        try await TestServer.run(replies: [.json(large)]) { [options] server in
            try await withClient(ClusterConfiguration(server: server.url), options: options) { client in
                let error = try await patchFailure(client)
                #expect(error.code == .replyTooLarge)
            }
        }
    }

    @Test("asks for smaller pages of a list where one is larger than a reply may be")
    func largePages() async throws {
        var options = KubernetesClient.Options()
        options.maximumReplyBytes = 1_000
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            let limit = request.query["limit"].flatMap { Int($0) } ?? 0
            let first = request.query["continue"].flatMap { Int($0) } ?? 0
            let end = min(first + limit, 10)
            let items = (first..<end).map { number in
                #"{"metadata":{"name":"o-\#(number)"},"x":"\#(String(repeating: "x", count: 200))"}"#
            }
            let more = end < 10 ? #","continue":"\#(end)""# : ""
            return .json(#"{"metadata":{"resourceVersion":"1"\#(more)},"items":[\#(items.joined(separator: ","))]}"#)
        }
        try await TestServer.run(handler) { [options] server in
            try await withClient(ClusterConfiguration(server: server.url), options: options) { client in
                var names: [String] = []
                for try await page in client.list(configMaps, namespace: "default") {
                    names += page.objects.map(\.metadata.name)
                }
                #expect(names == (0..<10).map { "o-\($0)" })
                // The smaller page size stays in use.
                #expect(server.requests.map { $0.query["limit"] }.suffix(4) == ["3", "3", "3", "3"])
                var events = client.watcher(configMaps, namespace: "default").makeAsyncIterator()
                var listed = 0
                while let event = await events.next() {
                    if case .object = event { listed += 1 }
                    if case .listComplete = event { break }
                    if case .interrupted(let error, _) = event { throw error }
                }
                #expect(listed == 10)
            }
        }
    }

    @Test("accepts nothing but an object as an object")
    func malformedReply() async throws {
        try await TestServer.run(replies: [.json("<html>"), .json("{}")]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                for _ in 0..<2 {
                    let error = try await patchFailure(client)
                    #expect(error.code == .malformedReply)
                    #expect(error.isOutcomeUnknown)
                }
            }
        }
    }

    @Test("ends at once when its task is cancelled")
    func cancellation() async throws {
        try await TestServer.run(replies: [.blackHole]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                let error = try await withThrowingTaskGroup(of: KubernetesError.self) { group in
                    group.addTask { try await patchFailure(client) }
                    try await until { !server.requests.isEmpty }
                    group.cancelAll()
                    return try await group.next()
                }
                #expect(error?.code == .cancelled)
                #expect(error?.isOutcomeUnknown == true)
            }
        }
    }

    @Test("reports that it was shut down")
    func shutdown() async throws {
        try await withClient(ClusterConfiguration(server: "http://127.0.0.1:1")) { client in
            await client.shutdown()
            let error = try await patchFailure(client)
            #expect(error.code == .shutDown)
            #expect(!error.isOutcomeUnknown)
        }
    }
}
