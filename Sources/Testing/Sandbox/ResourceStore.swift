package import JSON

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The state of a Kubernetes API server, as far as a bridge can see it: objects, one resource version for all of them,
/// and a bounded history of changes.
///
/// A value without I/O and without a clock: `handle(_:now:)` takes a request and gives the reply. There is no list of
/// watchers. A watch is a position in the history, which its owner moves on with `events(for:)`; one that falls out
/// of the history gets 410 Expired, and so a slow watcher costs nothing.
///
/// The meaning of requests and replies follows the Kubernetes API conventions and the API server's own behaviour for
/// custom resources. Not there: field ownership and server-side apply, schemas, authorization; of
/// admission only the webhook that a test gives it.
package struct ResourceStore: Sendable {
    /// A write that took effect.
    struct Change: Sendable {
        var revision: UInt64
        var kind: String
        var key: Key
        var before: JSONObject?
        var after: JSONObject?
    }

    package let kinds: [Kind]
    /// The resource version of the last write. Only equality means anything to a client.
    package internal(set) var revision: UInt64 = 1
    /// A client that knows this revision, or a later one, can be told everything since.
    package internal(set) var oldestRevision: UInt64 = 1

    /// Changes each custom resource that is written, as a mutating admission webhook does.
    var webhook: (@Sendable (inout JSONObject) -> Void)?
    var objects: [String: Objects] = [:]
    private(set) var history: [Change] = []
    private let historyLimit: Int
    private let uid: @Sendable () -> String

    /// - Parameters:
    ///   - kinds: What is served. Leave one out to see what a client does without its CRD.
    ///   - namespaces: Those that exist from the start.
    ///   - historyLimit: How many changes are remembered at most, from 4 up.
    ///   - now: The creation time of `namespaces`.
    ///   - uid: Makes an identifier that it never made before, of at least five characters.
    package init(
        kinds: [Kind] = .standard, namespaces: [String] = ["default", "kube-system"], historyLimit: Int = 4096,
        now: Date, uid: @escaping @Sendable () -> String
    ) {
        precondition(historyLimit >= 4, "a history of \(historyLimit) changes is too short to watch from")
        self.kinds = kinds
        self.historyLimit = historyLimit
        self.uid = uid
        for name in namespaces {
            commit(namespaceObject(named: name, now: now), to: Key(namespace: "", name: name), of: .namespace)
        }
    }

    /// Carries out one request, or leaves everything as it was.
    ///
    /// - Throws: `APIServerStatus` when the request is refused.
    package mutating func handle(_ request: Request, now: Date) throws(APIServerStatus) -> Reply {
        if request.options.isDryRun, request.verb.isWrite {
            var trial = self
            var real = request
            real.options.isDryRun = false
            return try trial.handle(real, now: now)
        }
        switch request.verb {
        case .get: return .object(try existing(request))
        case .list: return .list(try list(request))
        case .watch:
            let (watch, events) = try watch(request)
            return .watch(watch, events)
        case .create: return .created(try create(request, now: now))
        case .update: return .object(try update(request))
        case .patch: return .object(try patch(request))
        case .delete: return try delete(request, now: now)
        case .deletecollection:
            throw APIServerStatus(
                code: 405, reason: "MethodNotAllowed",
                message: "deletecollection is not served: delete \(request.kind.plural) one by one")
        }
    }

    /// The object, in the form in which it is stored: without `apiVersion` and `kind`.
    package func object(_ kind: Kind, namespace: String = "", name: String) -> JSONObject? {
        objects[kind.qualifiedName]?[Key(namespace: namespace, name: name)]
    }

    /// All of a namespace, in that form.
    package func objects(_ kind: Kind, namespace: String) -> [JSONValue] {
        guard let objects = objects[kind.qualifiedName] else { return [] }
        return objects.keys.filter { $0.namespace == namespace }.compactMap { key in
            objects[key].map { .object($0) }
        }
    }

    /// The names of a kind's objects, in order.
    package func keys(_ kind: Kind) -> [Key] {
        objects[kind.qualifiedName]?.keys ?? []
    }

    /// Forgets the history: every resource version that was handed out so far is too old to watch or page from.
    package mutating func expireHistory() {
        revision += 1
        oldestRevision = revision
        history.removeAll()
    }

    func existing(_ request: Request) throws(APIServerStatus) -> JSONObject {
        let name = request.name ?? ""
        guard let object = object(request.kind, namespace: request.namespace ?? "", name: name) else {
            throw .notFound(request.kind, name)
        }
        return object
    }

    func makeUID() -> String { uid() }

    /// Writes `object`, or removes what is there, as the next revision.
    @discardableResult
    mutating func commit(_ object: JSONObject?, to key: Key, of kind: Kind) -> JSONObject? {
        revision += 1
        var after = object
        after?.metadata["resourceVersion"] = .string(String(revision))
        let before = objects[kind.qualifiedName]?[key]
        objects[kind.qualifiedName, default: Objects()][key] = after
        if history.count == historyLimit {
            // A quarter at a time, so that forgetting costs next to nothing for each write.
            oldestRevision = history[historyLimit / 4 - 1].revision
            history.removeFirst(historyLimit / 4)
        }
        history.append(
            Change(revision: revision, kind: kind.qualifiedName, key: key, before: before, after: after))
        return after
    }
}
