internal import Concurrency
package import Deliveries
internal import FoundationEssentials
package import IstioAPI
internal import JSON
package import Logging
internal import NIOPosix
package import Planning
internal import SystemPackage
internal import Text
internal import YAML

/// Keeps one YAML file for each resource in a folder: `<folder>/<namespace>/<name>.yaml`, for other kinds than
/// ServiceEntry with the kind behind it, as in `<name>_workloadentry.yaml`, which can be no other resource's name.
///
/// A file is written whole, beside its place, and then moved there, so that a reader never sees half of one. Only files
/// whose content has the owner's labels are ever changed or removed; fields that somebody else added to them stay.
package struct FileDelivery: StatefulDelivery {
    /// The files are for clusters of any age, and every Istio since 1.5 has this version.
    private static let version = "v1beta1"

    package let name: String
    private let folder: String
    package let ownership: Ownership
    private let workers: DeliveryWorkers

    package init(name: String, folder: String, ownership: Ownership, logger: Logger) {
        self.name = name
        self.folder = folder
        self.ownership = ownership
        workers = DeliveryWorkers(name: name, pacing: .unpaced(workers: 1), logger: logger)
    }

    package func changed(_ keys: [ResourceKey]) {
        workers.add(keys)
    }

    package func report(limit: Int) -> DeliveryReport { workers.report(limit: limit) }

    package func run(desired: any DesiredState) async {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        while !Task.isCancelled {
            do {
                let objects = try await owned()
                workers.note(condition: nil)
                workers.logger.info("owned files read", metadata: ["folder": "\(folder)", "count": "\(objects.count)"])
                await desired.seed(objects, from: name)
                workers.add(objects.map(\.key).sorted())
                break
            } catch {
                if Task.isCancelled { break }
                let delay = backoff.next()
                let reason = "\(error)"
                workers.note(condition: reason)
                workers.logger.error(
                    "folder unreadable", metadata: ["reason": "\(reason)", "retryIn": "\(delay.readable)"])
                try? await Task.sleep(for: delay)
            }
        }
        await withTaskCancellationHandler {
            await workers.run(desired: desired) { key, wanted in await attempt(key, wanted, desired) }
        } onCancel: {
            workers.queue.finish()
        }
    }

    package func owned() async throws -> [ActualObject] {
        do {
            return try await readOwned()
        } catch let error as FileProblem {
            throw FileProblem(description: "\(folder): \(error)")
        }
    }

    private func readOwned() async throws -> [ActualObject] {
        try await offThePool {
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try Self.names(in: folder).flatMap { namespace in
                // An entry that is no folder holds no files.
                var isFolder = false
                guard FileManager.default.fileExists(atPath: "\(folder)/\(namespace)", isDirectory: &isFolder),
                    isFolder
                else { return [ActualObject]() }
                return try Self.names(in: "\(folder)/\(namespace)").filter { $0.hasSuffix(".yaml") }.compactMap {
                    owned("\(namespace)/\($0)")
                }
            }
        }
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// The object in a file, if it is ours and lies where we would put it. A file that can't be read may be anybody's.
    private func owned(_ path: String) -> ActualObject? {
        do {
            guard let document = try Self.document(at: "\(folder)/\(path)"), let object = ActualObject(document),
                ownership.covers(object), Self.path(object.key) == path
            else { return nil }
            return object
        } catch {
            workers.logger.warning(
                "file unreadable: it is left as it is",
                metadata: ["file": "\(folder)/\(path)", "reason": "\(Self.explanation(of: error))"])
            return nil
        }
    }

    package func object(_ key: ResourceKey) async throws -> ActualObject? {
        try await offThePool { try object(at: key) }
    }

    /// Readers see each file at once: nothing has to settle.
    package func carryOut(
        _ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async {
        await EndpointOrder(changes).carryOut(
            width: 16, settleTime: .zero, by: { await carryOut($0.change, $0.key) }, report: report)
    }

    /// Carries out one planned change, once.
    package func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        do {
            return try await offThePool { try write(change, key) }
        } catch {
            return attempt(after: error, key)
        }
    }

    private func attempt(after error: any Error, _ key: ResourceKey) -> Attempt {
        // The bridge stops.
        if error is CancellationError { return .abandoned }
        return .failed(reason: "\(file(key)): \(Self.explanation(of: error))", retryAfter: nil)
    }

    /// The object in the file of this name. A document with another name is not ours to change: somebody put it there.
    private func object(at key: ResourceKey) throws -> ActualObject? {
        guard let document = try Self.document(at: file(key)) else { return nil }
        guard let object = ActualObject(document), object.key == key else { return .foreign(key) }
        return object
    }

    private func attempt(_ key: ResourceKey, _ wanted: Wanted, _ desired: any DesiredState) async -> Attempt {
        do {
            let actual = try await object(key)
            var resource = wanted.resource
            if case .serviceEntry(let entry)? = resource, !entry.isInline {
                // A reader of the folder must find the endpoints in one form at least.
                if let actual, !actual.selectsWorkloads, let failure = await write(workloadsOf: entry) {
                    return failure
                }
                resource = .serviceEntry(entry.selecting)
            }
            if wanted == .absent, let service = WorkloadEntry.serviceEntry(ofWorkload: key) {
                guard let departure = await desired.departure(ofWorkload: key) else { return .outdated }
                if departure == .inline, let failure = await write(inline: service, desired) { return failure }
            }
            return await carryOut(.plan(desired: resource, actual: actual, ownership: ownership), key)
        } catch {
            return attempt(after: error, key)
        }
    }

    /// - Returns: What went wrong.
    private func write(workloadsOf entry: ServiceEntry) async -> Attempt? {
        for endpoint in entry.endpoints {
            let resource = Resource.workloadEntry(entry.workload(of: endpoint))
            do {
                let actual = try await object(resource.key)
                let change = Change.plan(desired: resource, actual: actual, ownership: ownership)
                let attempt = await carryOut(change, resource.key)
                guard case .done = attempt else { return attempt }
            } catch {
                return attempt(after: error, resource.key)
            }
        }
        return nil
    }

    /// Before a WorkloadEntry goes: the service that becomes inline must be so.
    /// - Returns: What went wrong.
    private func write(inline key: ResourceKey, _ desired: any DesiredState) async -> Attempt? {
        let wanted = await desired.wanted(key)
        if wanted == .undecided { return .outdated }
        let attempt = await attempt(key, wanted, desired)
        if case .done = attempt { return nil }
        return attempt
    }

    /// Carries the change out if the file is still as it was when the change was planned.
    private func write(_ change: Change, _ key: ResourceKey) throws -> Attempt {
        switch change {
        case .none:
            return .done(nil)
        case .conflict(let reason):
            return .refused(reason: reason)
        case .create(let resource):
            guard try Self.document(at: file(key)) == nil else { return .outdated }
            try store(resource.json(version: Self.version), key)
            return .done(.created(change.push()))
        case .patch(let actual, let patch):
            guard let document = try Self.document(at: file(key)), ActualObject(document) == actual else {
                return .outdated
            }
            try store(document.applying(mergePatch: patch), key)
            return .done(.updated(change.push()))
        case .delete(let actual):
            guard let document = try Self.document(at: file(key)), ActualObject(document) == actual else {
                return .outdated
            }
            try FileManager.default.removeItem(atPath: file(key))
            return .done(.deleted(change.push()))
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

    private func file(_ key: ResourceKey) -> String { "\(folder)/\(Self.path(key))" }

    private static func path(_ key: ResourceKey) -> String {
        switch key.kind {
        case .serviceEntry: "\(key.namespace)/\(key.name).yaml"
        case .workloadEntry, .destinationRule, .virtualService, .sidecar, .envoyFilter:
            "\(key.namespace)/\(key.name)_\(key.kind.rawValue.lowercased()).yaml"
        }
    }

    /// The system's message, where the error has one. Foundation's own messages are for programmers.
    private static func explanation(of error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        if let underlying = error.underlying as? POSIXError { return "\(Errno(rawValue: underlying.code.rawValue))" }
        switch error.code {
        case .fileReadCorruptFile, .fileReadInapplicableStringEncoding: return "it is not UTF-8 text"
        default: return "it can't be read or written (code \(error.code.rawValue))"
        }
    }

    /// File operations block, and must not block the threads of Swift's concurrency.
    private func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive {
            do { return try body() } catch { throw FileProblem(description: Self.explanation(of: error)) }
        }
    }
}

/// What keeps a file or a folder from being read or written.
private struct FileProblem: Error, CustomStringConvertible {
    var description: String
}

extension ActualObject {
    /// `nil` for a document that is no object.
    fileprivate init?(_ document: JSONValue) {
        guard let metadata = document["metadata"], let name = metadata["name"]?.string,
            let namespace = metadata["namespace"]?.string
        else { return nil }
        let kind = document["kind"]?.string.flatMap { ResourceKind(rawValue: $0) } ?? .serviceEntry
        self.init(
            key: ResourceKey(kind, namespace: namespace, name: name), revision: nil,
            labels: metadata["labels"]?.strings ?? [:], annotations: metadata["annotations"]?.strings ?? [:],
            spec: document["spec"] ?? [:])
    }

    /// A file whose document does not name itself as it should: not ours.
    fileprivate static func foreign(_ key: ResourceKey) -> ActualObject {
        ActualObject(key: key, revision: nil, labels: [:], annotations: [:], spec: [:])
    }
}
