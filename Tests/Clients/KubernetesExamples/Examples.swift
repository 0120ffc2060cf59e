public import Kubernetes
internal import Logging

// The examples of `docs/kubernetes.md` and of the documentation catalog. This target sees the library as a program
// outside the package does: it has no access to `package` symbols.

/// Labels the settings of the web servers, and reports them whenever they change, until the task is cancelled.
public func followSettings(of configuration: ClusterConfiguration, report: (String) -> Void) async throws {
    struct Settings: Codable { var data: [String: String]? }
    let client = try KubernetesClient(configuration, userAgent: "example/1.0", logger: Logger(label: "example"))
    let configMaps = ResourceType(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")
    let namespace = configuration.namespace

    let patch: AnyJSON = ["metadata": ["labels": ["app": "web"]]]
    _ = try await client.retrying(whenOutcomeUnknown: true) { () async throws(KubernetesError) in
        try await client.mergePatch(configMaps, name: "settings", namespace: namespace, body: patch)
    }

    let store = ObjectStore(client.watcher(configMaps, namespace: namespace, labelSelector: "app=web"))
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await store.run() }
        for await change in store.changes() {
            switch change {
            case .object(let key):
                // A key without an object is that of a deleted one.
                let settings = store[key].map { object in Result { try object.decode(Settings.self).data ?? [:] } }
                switch settings {
                case .success(let data): report("\(key): the color is \(data["color"] ?? "unknown")")
                case .failure(let error): report("\(key): \(error)")
                case nil: report("\(key) is deleted")
                }
            case .everything:
                report("many changes, \(store.count) objects")
            }
        }
        group.cancelAll()
    }
    await client.shutdown()
}

/// Writes the items that come while this process is the leader.
public func writeWhileLeading(
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

/// Creates a backup object of a custom type, and writes its status.
public func reportBackup(_ name: String, bytes: Int64, to client: KubernetesClient, in namespace: String) async throws {
    struct Backup: Codable {
        struct Metadata: Codable {
            var name: String
        }
        struct Status: Codable {
            var bytes: Int64
            var finished: Bool
        }
        var apiVersion = "example.com/v1"
        var kind = "Backup"
        var metadata: Metadata
        var status: Status?
    }
    let backups = ResourceType(group: "example.com", version: "v1", plural: "backups", kind: "Backup")
    _ = try await client.create(backups, namespace: namespace, body: Backup(metadata: .init(name: name)))

    // A patch changes what it holds, and leaves the other fields as they are.
    let status = Backup.Status(bytes: bytes, finished: false)
    _ = try await client.mergePatch(
        backups, name: name, namespace: namespace, subresource: .status, body: ["status": status])

    // A replacement starts from the whole content, also of the fields that Backup does not have.
    let object = try await client.get(backups, name: name, namespace: namespace, subresource: .status)
    var content = object.content
    content["status"]?["finished"] = true
    _ = try await client.replace(
        backups, name: name, namespace: namespace, subresource: .status,
        resourceVersion: object.metadata.resourceVersion, body: content)
}
