internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging
internal import Testing

/// What the Kubernetes client promises, against a real API server.
@Suite("The Kubernetes client", .realServers, .timeLimit(.minutes(5)))
struct KubernetesClientTests {
    private static let configMaps = ResourceType(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")
    private static let serviceEntries = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")

    private static func configMap(_ name: String, _ data: [String: String]) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)],
            "data": JSONValue(strings: data),
        ]
    }

    private static func withClient<Value>(
        kubeconfig: String, impersonating user: String? = nil, _ body: (KubernetesClient) async throws -> Value
    ) async throws -> Value {
        var configuration = try ClusterConfiguration.kubeconfig(path: kubeconfig, context: nil)
        configuration.impersonation = user.map { Impersonation(user: $0) }
        let client = try KubernetesClient(
            configuration, userAgent: "kubernetes-client-tests/1", logger: Logger(label: "test"))
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private static func failure<Value>(
        _ operation: () async throws(KubernetesError) -> Value
    ) async throws -> KubernetesError {
        do throws(KubernetesError) {
            _ = try await operation()
        } catch {
            return error
        }
        throw TestSupportError("the operation should have failed")
    }

    @Test("an apply that would take another's field names field and owner, and takes it by force")
    func applyConflict() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "client-apply"
        try await server.createNamespace(namespace)
        try await Self.withClient(kubeconfig: server.kubeconfig) { client in
            func apply(
                _ data: [String: String], by manager: String, force: Bool = false
            ) async throws(KubernetesError) -> APIObject {
                try await client.apply(
                    Self.configMaps, name: "a", namespace: namespace, body: Self.configMap("a", data),
                    fieldManager: manager, force: force, replying: .full)
            }
            let created = try await apply(["x": "1", "y": "1"], by: "one")
            let unchanged = try await apply(["x": "1", "y": "1"], by: "one")
            #expect(unchanged.metadata.resourceVersion == created.metadata.resourceVersion)

            let error = try await Self.failure { () async throws(KubernetesError) in
                try await apply(["x": "2"], by: #"the "second""#)
            }
            #expect(error.code == .conflict)
            #expect(error.fieldConflicts == [.init(field: ".data.x", manager: "one")])
            let forced = try await apply(["x": "2"], by: #"the "second""#, force: true)
            #expect(forced.json["data"] == ["x": "2", "y": "1"])

            // One who writes without apply owns fields, too.
            _ = try await client.mergePatch(
                Self.configMaps, name: "a", namespace: namespace, body: ["data": ["y": "3"]], fieldManager: "third")
            let late = try await Self.failure { () async throws(KubernetesError) in
                try await apply(["x": "2", "y": "4"], by: #"the "second""#)
            }
            #expect(late.fieldConflicts.map(\.field) == [".data.y"])
            #expect(late.fieldConflicts.map(\.manager) == ["third"])
        }
    }

    @Test("a replacement of a version that is no longer the newest changes nothing")
    func replaceConflict() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "client-replace"
        try await server.createNamespace(namespace)
        try await Self.withClient(kubeconfig: server.kubeconfig) { client in
            func entry(_ host: String) -> JSONValue {
                [
                    "apiVersion": "networking.istio.io/v1beta1", "kind": "ServiceEntry", "metadata": ["name": "a"],
                    "spec": [
                        "hosts": [.string(host)], "resolution": "NONE",
                        "ports": [["number": 80, "name": "http", "protocol": "HTTP"]],
                    ],
                ]
            }
            func replace(_ version: String, _ host: String) async throws(KubernetesError) -> APIObject {
                try await client.replace(
                    Self.serviceEntries, name: "a", namespace: namespace, resourceVersion: version, body: entry(host))
            }
            let first = try await client.create(Self.serviceEntries, namespace: namespace, body: entry("one.example"))
            let second = try await replace(first.metadata.resourceVersion, "two.example")
            #expect(second.metadata.uid == first.metadata.uid)
            let error = try await Self.failure { () async throws(KubernetesError) in
                try await replace(first.metadata.resourceVersion, "three.example")
            }
            #expect(error.code == .conflict)
            #expect(error.fieldConflicts.isEmpty)
            let now = try await client.get(Self.serviceEntries, name: "a", namespace: namespace)
            #expect(now.json["spec"]?["hosts"] == ["two.example"])

            try await client.delete(
                Self.serviceEntries, name: "a", namespace: namespace, uid: first.metadata.uid, propagation: .background)
            let gone = try await Self.failure { () async throws(KubernetesError) in
                try await replace(second.metadata.resourceVersion, "four.example")
            }
            #expect(gone.code == .notFound)
        }
    }

    @Test(
        "a write of the status leaves the rest alone, and the other way round; a scale is read and written"
    )
    func subresources() async throws {
        struct Deployment: Codable {
            struct Spec: Codable { var replicas: Int }
            struct Status: Codable { var replicas: Int? }
            var spec: Spec
            var status: Status?
        }
        let server = try await RealAPIServer.shared()
        let namespace = "client-status"
        try await server.createNamespace(namespace)
        let type = ResourceType(group: "apps", version: "v1", plural: "deployments", kind: "Deployment")
        try await Self.withClient(kubeconfig: server.kubeconfig) { client in
            let container: AnyJSON = ["name": "web", "image": "web"]
            let created = try await client.create(
                type, namespace: namespace,
                body: [
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "a"],
                    "spec": [
                        "replicas": 1, "selector": ["matchLabels": ["app": "web"]],
                        "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [container]]],
                    ],
                    "status": ["replicas": 9],
                ] as AnyJSON, replying: .full)
            #expect(try created.decode(Deployment.self).status?.replicas == nil)

            let both: AnyJSON = ["spec": ["replicas": 5], "status": ["replicas": 3]]
            let patched = try await client.mergePatch(
                type, name: "a", namespace: namespace, subresource: .status, body: both, replying: .full)
            #expect(patched.metadata.generation == created.metadata.generation)
            let deployment = try patched.decode(Deployment.self)
            #expect(deployment.spec.replicas == 1)
            #expect(deployment.status?.replicas == 3)

            var content = patched.content
            content["status"]?["replicas"] = 4
            _ = try await client.replace(
                type, name: "a", namespace: namespace, subresource: .status,
                resourceVersion: patched.metadata.resourceVersion, body: content)
            let error = try await Self.failure { () async throws(KubernetesError) in
                try await client.replace(
                    type, name: "a", namespace: namespace, subresource: .status,
                    resourceVersion: patched.metadata.resourceVersion, body: content)
            }
            #expect(error.code == .conflict)
            let read = try await client.get(type, name: "a", namespace: namespace, subresource: .status)
            #expect(read.content["status"]?["replicas"]?.integer == 4)

            let scale = try await client.mergePatch(
                type, name: "a", namespace: namespace, subresource: .scale, body: ["spec": ["replicas": 2]],
                replying: .full)
            #expect(scale.content["kind"]?.string == "Scale")
            #expect(
                try await client.get(type, name: "a", namespace: namespace).decode(Deployment.self).spec.replicas == 2)
        }
    }

    @Test("a plug-in's token lets the client in, and the plug-in runs again when the server refuses that")
    func execPlugin() async throws {
        // A server of its own: a refused token leaves a request without a user in the audit log that other tests read.
        try await RealAPIServer.withServer(definitions: false) { server in
            let folder = try TemporaryFolder(label: "exec-plugin")
            // Hands out a token that no server takes first.
            try folder.write(
                """
                #!/bin/sh
                cd "$(dirname "$0")"
                if [ -e runs ]; then token=token-of-admin; else token=expired; fi
                echo "$KUBERNETES_EXEC_INFO" >> runs
                echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'$token'"}}'
                """, to: "plugin")
            try await ChildProcess.outputOfRunning("/bin/chmod", ["700", folder.path(of: "plugin")])
            let exec =
                "{apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never, "
                + "provideClusterInfo: true}"
            try await server.createNamespace("plugged")
            let original = try await ChildProcess.outputOfRunning("/bin/cat", [server.kubeconfig])
            let kubeconfig = try folder.write(
                original.replacing("user: {token: token-of-admin}", with: "user: {exec: \(exec)}"), to: "kubeconfig")
            try await Self.withClient(kubeconfig: kubeconfig) { client in
                for _ in 0..<3 {
                    _ = try await client.get(
                        .init(group: "", version: "v1", plural: "namespaces", kind: "Namespace"), name: "plugged",
                        namespace: nil)
                }
            }
            let runs = try await ChildProcess.outputOfRunning("/bin/cat", [folder.path(of: "runs")])
                .split(separator: "\n")
            #expect(runs.count == 2)
            let cluster = try JSONValue(parsing: Array(try #require(runs.first).utf8))["spec"]?["cluster"]
            #expect(cluster?["server"] == .string(server.url))
            #expect(cluster?["certificate-authority-data"]?.string?.isEmpty == false)
        }
    }

    @Test("a client that acts as somebody else has that user's rights")
    func impersonation() async throws {
        let server = try await RealAPIServer.shared()
        try await Self.withClient(kubeconfig: server.kubeconfig, impersonating: "jane") { client in
            let error = try await Self.failure { () async throws(KubernetesError) in
                try await client.get(Self.configMaps, name: "a", namespace: "default")
            }
            #expect(error.code == .forbidden)
            #expect(error.message.contains("jane"))
        }
    }

    @Test("a store keeps its objects while the API server restarts, and then follows on")
    func storeSurvivesRestart() async throws {
        try await RealAPIServer.withServer(namespaces: ["client-store"], definitions: false) { server in
            try await Self.withClient(kubeconfig: server.kubeconfig) { client in
                let namespace = "client-store"
                func create(_ name: String) async throws -> ObjectKey {
                    try await client.create(
                        Self.configMaps, namespace: namespace, body: Self.configMap(name, ["x": "1"])
                    ).key
                }
                let before = try await create("before")
                let store = ObjectStore(
                    client.watcher(Self.configMaps, namespace: namespace, fieldSelector: "metadata.name!=ignored"))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await store.run() }
                    try await store.waitUntilSynced()
                    #expect(store[before]?.json["data"] == ["x": "1"])
                    var changes = store.changes().makeAsyncIterator()
                    #expect(await changes.next() == .object(before))

                    await server.kill()
                    try await eventually("the store knows that it may be behind") { store.interruption != nil }
                    #expect(store[before] != nil)
                    try await server.restart()
                    _ = try await create("ignored")
                    let after = try await create("after")
                    #expect(await changes.next() == .object(after))
                    #expect(Set(store.objects.keys) == [before, after])
                    try await eventually("the store knows that it is up to date") { store.interruption == nil }
                    group.cancelAll()
                }
            }
        }
    }

    @Test("a list of many pages is one snapshot, and fails rather than mixes two when that has been compacted")
    func pagingAcrossCompaction() async throws {
        try await RealAPIServer.withServer(namespaces: ["client-pages"], definitions: false) { server in
            try await Self.withClient(kubeconfig: server.kubeconfig) { client in
                let namespace = "client-pages"
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 {
                        group.addTask {
                            for number in 0..<70 {
                                _ = try await client.create(
                                    Self.configMaps, namespace: namespace,
                                    body: Self.configMap("\(worker)-\(number)", [:]))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                var snapshot = client.list(Self.configMaps, namespace: namespace).makeAsyncIterator()
                let first = try #require(await snapshot.next())
                #expect(first.objects.count == 500)
                // Later than the snapshot, and so not in it.
                let late = try await client.create(
                    Self.configMaps, namespace: namespace, body: Self.configMap("late", [:]))
                let second = try #require(await snapshot.next())
                #expect(second.objects.count == 60)
                #expect(second.resourceVersion == first.resourceVersion)
                #expect(try await snapshot.next() == nil)

                var expiring = client.list(Self.configMaps, namespace: namespace).makeAsyncIterator()
                #expect(try await expiring.next()?.objects.count == 500)
                try await client.delete(Self.configMaps, name: "late", namespace: namespace)
                let newer = try await client.create(
                    Self.configMaps, namespace: namespace, body: Self.configMap("newer", [:]))
                #expect(newer.metadata.resourceVersion != late.metadata.resourceVersion)
                try await Self.compact(server.etcd, to: newer.metadata.resourceVersion)
                let error = try await Self.failure { () async throws(KubernetesError) in try await expiring.next() }
                #expect(error.code == .gone)
            }
        }
    }

    /// Has etcd forget what was before a revision, which is what a resource version is.
    private static func compact(_ etcd: RealEtcd, to revision: String) async throws {
        let body = #"{"revision":"\#(revision)","physical":true}"#
        let request = "POST /v3/kv/compaction HTTP/1.0\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let answer = try await Loopback.exchange(request, port: etcd.port, patience: 10)
        guard answer.contains(" 200 OK") else { throw TestSupportError("etcd does not compact: \(answer)") }
    }
}
