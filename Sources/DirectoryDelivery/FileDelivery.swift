package import Deliveries
internal import FoundationEssentials
package import IstioAPI
internal import JSON
package import Logging
internal import NIOPosix
package import Planning

/// Keeps one YAML file for each resource in a folder: `<folder>/<namespace>/<name>.yaml`.
///
/// A file is written whole, beside its place, and then moved there, so that a reader never sees half of one. Only files whose content
/// has the owner's labels are ever changed or removed; fields that somebody else added to them stay.
package struct FileDelivery: Delivery {
    /// The files are for clusters of any age, and every Istio since 1.5 has this version.
    private static let version = "v1beta1"

    package let name: String
    private let folder: String
    private let ownership: Ownership
    private let workers: DeliveryWorkers

    package init(name: String, folder: String, ownership: Ownership, logger: Logger) {
        self.name = name
        self.folder = folder
        self.ownership = ownership
        workers = DeliveryWorkers(name: name, logger: logger)
    }

    package func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package func run(desired: any DesiredState) async {
        var backoff = RetryBackoff()
        while !Task.isCancelled {
            do {
                let objects = try await owned()
                workers.logger.info("read our files", metadata: ["folder": "\(folder)", "count": "\(objects.count)"])
                await desired.seed(objects, from: name)
                workers.add(objects.map(\.key))
                break
            } catch {
                let delay = backoff.next()
                workers.logger.error(
                    "nothing can be delivered yet",
                    metadata: ["folder": "\(folder)", "reason": "\(error)", "retryIn": "\(delay)"])
                try? await Task.sleep(for: delay)
            }
        }
        await withTaskCancellationHandler {
            await workers.run(count: 1, desired: desired) { key, wanted in await attempt(key, wanted) }
        } onCancel: {
            workers.queue.finish()
        }
    }

    package func owned() async throws -> [ActualObject] {
        try await offThePool {
            let manager = FileManager.default
            guard manager.fileExists(atPath: folder) else { return [] }
            return try manager.subpathsOfDirectory(atPath: folder).sorted().compactMap { path in
                guard path.hasSuffix(".yaml"), path.split(separator: "/").count == 2,
                    let document = try? Self.document(at: "\(folder)/\(path)"), let object = ActualObject(document),
                    ownership.covers(object), "\(object.key).yaml" == path
                else { return nil }
                return object
            }
        }
    }

    package func object(_ key: ResourceKey) async throws -> ActualObject? {
        try await offThePool { try Self.document(at: file(key)).map { ActualObject($0) ?? .foreign(key) } }
    }

    package func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        do {
            return try await offThePool { try write(change, key) }
        } catch {
            return .failed(reason: "\(file(key)): \(error)", retryAfter: nil)
        }
    }

    private func attempt(_ key: ResourceKey, _ wanted: Wanted) async -> Attempt {
        do {
            let change = Change.plan(
                desired: wanted.resource, actual: try await object(key), ownership: ownership)
            return await carryOut(change, key)
        } catch {
            return .failed(reason: "\(file(key)): \(error)", retryAfter: nil)
        }
    }

    private func write(_ change: Change, _ key: ResourceKey) throws -> Attempt {
        switch change {
        case .none:
            return .done(nil)
        case .conflict(let reason):
            return .refused(reason: reason)
        case .create(let entry):
            try store(entry.json(version: Self.version), key)
            return .done(.created)
        case .patch(_, let patch, let scope):
            guard let document = try Self.document(at: file(key)) else { return .outdated }
            let withoutVersion = patch.applying(mergePatch: ["metadata": ["resourceVersion": .null]])
            try store(document.applying(mergePatch: withoutVersion), key)
            return .done(.updated(scope))
        case .delete:
            try FileManager.default.removeItem(atPath: file(key))
            return .done(.deleted)
        }
    }

    private func store(_ document: JSONValue, _ key: ResourceKey) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(key.namespace)", withIntermediateDirectories: true)
        try Data(document.yaml.utf8).write(to: URL(filePath: file(key)), options: .atomic)
    }

    /// `nil` when there is no file; throws when it can't be read, or is not YAML.
    private static func document(at path: String) throws -> JSONValue? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try JSONValue(yaml: String(contentsOfFile: path, encoding: .utf8))
    }

    private func file(_ key: ResourceKey) -> String { "\(folder)/\(key.namespace)/\(key.name).yaml" }

    /// Files block; the threads of Swift's concurrency are for what doesn't.
    private func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}

extension ActualObject {
    /// `nil` for a document that is no object.
    fileprivate init?(_ document: JSONValue) {
        guard let metadata = document["metadata"], let name = metadata["name"]?.string,
            let namespace = metadata["namespace"]?.string
        else { return nil }
        self.init(
            key: ResourceKey(namespace: namespace, name: name), uid: "", resourceVersion: "",
            labels: metadata["labels"]?.strings ?? [:], annotations: metadata["annotations"]?.strings ?? [:],
            spec: document["spec"] ?? [:])
    }

    /// A file that says nothing of itself: nobody's, hence not ours.
    fileprivate static func foreign(_ key: ResourceKey) -> ActualObject {
        ActualObject(key: key, uid: "", resourceVersion: "", labels: [:], annotations: [:], spec: [:])
    }
}
