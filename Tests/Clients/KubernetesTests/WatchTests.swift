import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("A watch", .timeLimit(.minutes(1)))
struct WatchTests {
    /// The events of a watch up to its end or error.
    private func watch(
        _ reply: TestServer.Reply, options: KubernetesClient.Options = .init()
    ) async throws -> (events: [WatchEvent], error: KubernetesError?, request: TestServer.Request?) {
        try await TestServer.run(replies: [reply]) { server in
            try await withClient(ClusterConfiguration(server: server.url), options: options) { client in
                var events: [WatchEvent] = []
                let watch = client.watch(
                    configMaps, namespace: "ns", labelSelector: "a=b", representation: .metadataOnly, from: "10")
                do throws(KubernetesError) {
                    for try await event in watch { events.append(event) }
                } catch {
                    return (events, error, server.requests.first)
                }
                return (events, nil, server.requests.first)
            }
        }
    }

    @Test("reports the events, line by line")
    func events() async throws {
        let text = [
            eventText("ADDED", "a", version: "11"), eventText("MODIFIED", "a", version: "12"), "",
            bookmarkText(version: "13"), #"{"type":"FUTURE","object":{}}"#, eventText("DELETED", "a", version: "14"),
        ].joined(separator: "\n")
        let (events, error, request) = try await watch(
            .init(chunks: [String(text.prefix(50)), text.dropFirst(50) + "\n"]))
        #expect(
            events == [
                .added(try object("a", version: "11")), .modified(try object("a", version: "12")),
                .bookmark(resourceVersion: "13"), .deleted(try object("a", version: "14")),
            ])
        #expect(error == nil)
        #expect(
            request?.query == [
                "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "10", "timeoutSeconds": "300",
                "labelSelector": "a%3Db",
            ])
        #expect(request?.headers["Accept"].first?.contains("as=PartialObjectMetadata;") == true)
    }

    @Test("fails with what an ERROR event or the server says")
    func gone() async throws {
        let (events, error, _) = try await watch(
            .lines([eventText("ADDED", "a", version: "11"), #"{"type":"ERROR","object":\#(expiredText)}"#]))
        #expect(events.count == 1)
        #expect(error?.code == .gone)
        #expect(error?.message == "too old")
        #expect(try await watch(.json(expiredText, status: 410)).error?.code == .gone)
    }

    @Test("fails when it is silent for too long")
    func idle() async throws {
        var options = KubernetesClient.Options()
        options.watchIdleTimeout = .seconds(6)
        let (events, error, _) = try await watch(
            .lines([eventText("ADDED", "a", version: "11")], ending: .silent), options: options)
        #expect(events.count == 1)
        #expect(error?.code == .idle)
        options.watchIdleTimeout = .milliseconds(200)
        #expect(try await watch(.blackHole, options: options).error?.code == .timedOut)
    }

    @Test("fails when its connection breaks, or ends within an event")
    func broken() async throws {
        let event = eventText("ADDED", "a", version: "11")
        #expect(try await watch(.lines([event], ending: .broken)).error?.code == .connectionLost)
        #expect(try await watch(.init(chunks: [event + "\n", "{\"type\""])).error?.code == .connectionLost)
    }

    @Test(
        "fails on an event that it cannot read",
        arguments: [
            "nonsense", "{}", #"{"type":"ADDED","object":{}}"#, #"{"type":"BOOKMARK","object":{"metadata":{}}}"#,
            #"{"type":"ADDED","object":{"metadata":{"name":"a"}}}"#,
        ])
    func unreadable(line: String) async throws {
        #expect(try await watch(.lines([line])).error?.code == .malformedReply)
    }

    @Test("accepts events of more than a megabyte, up to its limit")
    func large() async throws {
        let padding = String(repeating: "x", count: 3 << 20)
        let event =
            #"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"11"},"data":{"x":"\#(padding)"}}}"#
        let (events, error, _) = try await watch(.lines([event]))
        #expect(events.count == 1)
        #expect(error == nil)
        var options = KubernetesClient.Options()
        options.maximumEventBytes = 2 << 20
        #expect(try await watch(.lines([event]), options: options).error?.code == .replyTooLarge)
    }
}
