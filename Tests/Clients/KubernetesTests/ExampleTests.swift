import Foundation
import IsthmusTesting
import JSON
import Kubernetes
import KubernetesExamples
import NIOHTTP1
import Synchronization
import Testing

@Suite("The examples of the documentation", .timeLimit(.minutes(1)))
struct ExampleTests {
    @Test("follow settings as they say, through a deletion and beyond")
    func followedSettings() async throws {
        let (later, feed) = AsyncStream.makeStream(of: String.self)
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            if request.isWatch { return .init(later: later) }
            return .json(
                request.method == .PATCH ? objectText("settings", version: "9") : listText(["settings"], version: "10"))
        }
        @Sendable func event(_ type: String, _ data: String, version: Int) -> String {
            let metadata = #"{"name":"settings","namespace":"ns","uid":"u","resourceVersion":"\#(version)"}"#
            return #"{"type":"\#(type)","object":{"kind":"ConfigMap","metadata":\#(metadata),"data":\#(data)}}"# + "\n"
        }
        try await TestServer.run(handler) { server in
            let (reports, reporter) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let configuration = ClusterConfiguration(server: server.url, namespace: "ns")
                group.addTask { try await followSettings(of: configuration) { reporter.yield($0) } }
                var reported = reports.makeAsyncIterator()
                #expect(await reported.next() == "ns/settings: the color is unknown")
                feed.yield(event("DELETED", "{}", version: 11))
                #expect(await reported.next() == "ns/settings is deleted")
                feed.yield(event("ADDED", #"{"color":"blue"}"#, version: 12))
                #expect(await reported.next() == "ns/settings: the color is blue")
                feed.yield(event("MODIFIED", #"{"color":7}"#, version: 13))
                #expect(await reported.next()?.contains("data.color is not of the type String") == true)
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(server.requests.first?.path == "/api/v1/namespaces/ns/configmaps/settings")
            #expect(server.requests.first?.body == #"{"metadata":{"labels":{"app":"web"}}}"#)
        }
    }

    @Test("write the status of an object, and keep the fields that their own type does not have")
    func status() async throws {
        let stored =
            #"{"metadata":{"name":"a","namespace":"ns","resourceVersion":"7"},"spec":{"x":1},"status":{"bytes":5}}"#
        try await TestServer.run(replies: [.json(stored)]) { server in
            try await withClient(ClusterConfiguration(server: server.url)) { client in
                try await reportBackup("a", bytes: 5, to: client, in: "ns")
            }
            let requests = server.requests
            #expect(requests.map(\.method) == [.POST, .PATCH, .GET, .PUT])
            #expect(
                requests[0].body == #"{"apiVersion":"example.com/v1","kind":"Backup","metadata":{"name":"a"}}"#)
            let path = "/apis/example.com/v1/namespaces/ns/backups/a/status"
            #expect(requests.dropFirst().map(\.path) == [path, path, path])
            #expect(requests[1].body == #"{"status":{"bytes":5,"finished":false}}"#)
            #expect(
                requests[3].body == stored.replacing(#"{"bytes":5}"#, with: #"{"bytes":5,"finished":true}"#))
        }
    }

    @Test(
        "stand in it as they are compiled",
        arguments: ["docs/kubernetes.md", "Sources/Clients/Kubernetes/Documentation.docc/Kubernetes.md"])
    func documented(page: String) throws {
        let root = URL(filePath: ServerTools.packageRoot)
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        let examples = text.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(
            examples.map { $0.prefix { $0 != "(" } }
                == ["func followSettings", "func reportBackup", "func writeWhileLeading"])
        let source = root.appending(path: "Tests/Clients/KubernetesExamples/Examples.swift")
        let compiled = try String(contentsOf: source, encoding: .utf8)
        for example in examples { #expect(compiled.contains(example)) }
    }

    @Test("write while they lead, and release the lease")
    func leaderElection() async throws {
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            guard request.method != .GET, let lease = try? json(request.body) else {
                return .json(#"{"kind":"Status","reason":"NotFound","code":404}"#, status: 404)
            }
            let stored = lease.applying(mergePatch: ["metadata": ["resourceVersion": "1"]])
            return .json(String(decoding: stored.bytes, as: UTF8.self))
        }
        try await TestServer.run(handler) { server in
            let written = Mutex<[String]>([])
            // Items come until one is written.
            let items = AsyncStream {
                // Without a pause it would occupy a thread of the pool.
                try? await Task.sleep(for: .milliseconds(1))
                return written.withLock { $0.isEmpty ? "item" : nil }
            }
            try await writeWhileLeading(items, to: ClusterConfiguration(server: server.url, namespace: "ns")) { item in
                written.withLock { $0.append(item) }
            }
            #expect(written.withLock { $0 } == ["item"])
            // The release may take two seconds, after which a busy server may not have recorded the request yet.
            try await until { server.requests.last?.method == .PUT }
            // On a busy machine the first attempts to get the lease may time out, so only the last requests are compared.
            #expect(server.requests.map(\.method).suffix(3) == [.GET, .POST, .PUT])
            #expect(try json(#require(server.requests.last).body)["spec"]?["holderIdentity"] == "")
        }
    }
}
