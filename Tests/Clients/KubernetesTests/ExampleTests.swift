import Foundation
import IsthmusTesting
import JSON
import Kubernetes
import Logging
import NIOHTTP1
import Synchronization
import Testing

/// Labels the settings of the web servers, and says whenever such settings change until they are gone.
///
/// This function is the first example of `docs/kubernetes.md` and of the documentation catalog.
func followSettings(of configuration: ClusterConfiguration, say: (String) -> Void) async throws {
    let client = try KubernetesClient(configuration, userAgent: "example/1.0", logger: Logger(label: "example"))
    let configMaps = ResourceType(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")
    let namespace = configuration.namespace

    let patch = #"{"metadata":{"labels":{"app":"web"}}}"#
    _ = try await client.retrying(whenOutcomeUnknown: true) { () async throws(KubernetesError) in
        try await client.mergePatch(configMaps, name: "settings", namespace: namespace, body: Array(patch.utf8))
    }

    let store = ObjectStore(client.watcher(configMaps, namespace: namespace, labelSelector: "app=web"))
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await store.run() }
        for await change in store.changes() {
            guard case .object(let key) = change, let object = store[key] else { break }
            say("\(key) is at \(object.metadata.resourceVersion)")
        }
        group.cancelAll()
    }
    await client.shutdown()
}

/// Writes the items that come while this process is the leader.
///
/// This function is the second example of both.
func writeWhileLeading(
    _ items: AsyncStream<String>, to configuration: ClusterConfiguration, write: (String) async -> Void
) async throws {
    let logger = Logger(label: "example")
    let client = try KubernetesClient(configuration, userAgent: "example/1.0", logger: logger)
    let election = try LeaderElection(
        client: client, configuration: .init(name: "example", namespace: configuration.namespace), logger: logger)
    await withTaskGroup(of: Void.self) { group in
        group.addTask {
            await election.run { isLeading in logger.info("\(isLeading ? "leads" : "follows")") }
        }
        for await item in items where election.isLeading { await write(item) }
        // The lease is released before the group ends.
        group.cancelAll()
    }
    await client.shutdown()
}

@Suite("The examples of the documentation", .timeLimit(.minutes(1)))
struct ExampleTests {
    @Test("follow settings as they say")
    func example() async throws {
        let (later, feed) = AsyncStream.makeStream(of: String.self)
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            if request.isWatch { return .init(later: later) }
            return .json(
                request.method == .PATCH ? objectText("settings", version: "9") : listText(["settings"], version: "10"))
        }
        try await TestServer.run(handler) { server in
            let said = Mutex<[String]>([])
            try await followSettings(of: ClusterConfiguration(server: server.url, namespace: "ns")) { text in
                said.withLock { $0.append(text) }
                feed.yield(eventText("DELETED", "settings", version: "11") + "\n")
            }
            #expect(said.withLock { $0 } == ["ns/settings is at 1"])
            #expect(server.requests.first?.path == "/api/v1/namespaces/ns/configmaps/settings")
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
        #expect(examples.map { $0.prefix { $0 != "(" } } == ["func followSettings", "func writeWhileLeading"])
        let compiled = try String(contentsOfFile: #filePath, encoding: .utf8)
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
            // Until one is written.
            let items = AsyncStream {
                // Without a pause it would keep a thread busy that others need.
                try? await Task.sleep(for: .milliseconds(1))
                return written.withLock { $0.isEmpty ? "item" : nil }
            }
            try await writeWhileLeading(items, to: ClusterConfiguration(server: server.url, namespace: "ns")) { item in
                written.withLock { $0.append(item) }
            }
            #expect(written.withLock { $0 } == ["item"])
            // The release is given two seconds, which may be over before a busy server has noted it.
            try await until { server.requests.last?.method == .PUT }
            // On a busy machine an attempt to get the lease may take too long, and the next one counts.
            #expect(server.requests.map(\.method).suffix(3) == [.GET, .POST, .PUT])
            #expect(try json(#require(server.requests.last).body)["spec"]?["holderIdentity"] == "")
        }
    }
}
