import Foundation
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

@Suite("The example of the documentation", .timeLimit(.minutes(1)))
struct ExampleTests {
    @Test("does what it says")
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
        "stands in it as it is compiled",
        arguments: ["docs/kubernetes.md", "Sources/Kubernetes/Documentation.docc/Kubernetes.md"])
    func documented(page: String) throws {
        let source = URL(filePath: #filePath)
        let root = source.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
        let parts = text.components(separatedBy: "```swift\n")
        let example = try #require(parts.dropFirst().first?.components(separatedBy: "```").first)
        #expect(example.contains("func followSettings"))
        #expect(try String(contentsOf: source, encoding: .utf8).contains(example))
    }
}
