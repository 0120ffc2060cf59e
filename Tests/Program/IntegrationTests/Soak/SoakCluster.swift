internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging

/// The cluster as the test sees and changes it, by a way of its own that never fails on purpose.
struct SoakCluster: Sendable {
    private static let type = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")

    let client: KubernetesClient

    init(_ server: RealAPIServer) throws {
        client = try KubernetesClient(
            ClusterConfiguration.kubeconfig(path: server.kubeconfig, context: nil), userAgent: "soak/1",
            logger: Logger(label: "soak") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Follows everything in the namespace, for as long as the task runs.
    func observe(_ record: SoakRecord) async {
        for await event in client.watcher(Self.type, namespace: SoakScene.namespace) { record.take(event) }
    }

    func objects() async throws -> [APIObject] {
        var objects: [APIObject] = []
        for try await page in client.list(Self.type, namespace: SoakScene.namespace) { objects += page.objects }
        return objects
    }

    /// Changes an object as a person does. That it fails is no fault of the bridge.
    func edit(_ name: String, _ patch: JSONValue) async -> Bool {
        let edited = try? await client.mergePatch(
            Self.type, name: name, namespace: SoakScene.namespace, body: patch, fieldManager: "somebody")
        return edited != nil
    }

    func delete(_ object: APIObject) async {
        try? await client.delete(
            Self.type, name: object.metadata.name, namespace: SoakScene.namespace, uid: object.metadata.uid)
    }

    /// Has an object of somebody else, at whatever cost.
    func create(_ name: String, labels: [String: String]) async throws {
        let body: JSONValue = [
            "apiVersion": .string(Self.type.apiVersion), "kind": .string(Self.type.kind),
            "metadata": ["name": .string(name), "labels": JSONValue(strings: labels)],
            "spec": [
                "hosts": ["theirs.example"], "resolution": "NONE",
                "ports": [["number": 80, "name": "http", "protocol": "HTTP"]],
            ],
        ]
        try await eventually("\(name) is created", within: .seconds(90)) {
            do {
                _ = try await client.create(Self.type, namespace: SoakScene.namespace, body: body)
            } catch let error as KubernetesError where error.code == .alreadyExists {}
            return true
        }
    }

    func delete(_ name: String) async throws {
        try await eventually("\(name) is deleted", within: .seconds(90)) {
            do {
                try await client.delete(Self.type, name: name, namespace: SoakScene.namespace)
            } catch let error as KubernetesError where error.code == .notFound {}
            return true
        }
    }
}
