internal import JSON

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension ResourceStore {
    mutating func create(_ request: Request, now: Date) throws(APIServerStatus) -> JSONObject {
        let kind = request.kind
        var object = try submitted(request)
        var metadata = object.metadata
        guard metadata["resourceVersion"]?.string ?? "" == "" else {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        let uid = makeUID()
        if metadata["name"]?.string ?? "" == "", let prefix = metadata["generateName"]?.string {
            metadata["name"] = .string("\(prefix.prefix(58))\(uid.suffix(5))")
        }
        let name = metadata["name"]?.string ?? ""
        let namespace = kind.isNamespaced ? request.namespace : nil
        if let namespace { try requireLiveNamespace(namespace, for: kind, name) }

        metadata["namespace"] = namespace.map(JSONValue.string)
        metadata["uid"] = .string(uid)
        metadata["creationTimestamp"] = .string(Self.timestamp(now))
        metadata["generation"] = kind.isCustom ? 1 : nil
        for field in ["managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            metadata[field] = nil
        }
        object.metadata = metadata
        if kind.isCustom { object["status"] = nil }
        if kind == .namespace { Self.completeNamespace(&object) }
        if kind.isCustom { webhook?(&object) }
        try validate(object, as: kind)

        let key = Key(namespace: namespace ?? "", name: name)
        guard objects[kind.qualifiedName]?[key] == nil else { throw .alreadyExists(kind, name) }
        return commit(object, to: key, of: kind) ?? object
    }

    /// PUT: the whole object, based on the resource version that it names.
    mutating func update(_ request: Request) throws(APIServerStatus) -> JSONObject {
        let proposed = try submitted(request)
        guard let name = proposed.metadata["name"]?.string, name == request.name else {
            throw .badRequest("the name of the object does not match the name on the URL (\(request.name ?? ""))")
        }
        let current = try existing(request)
        if proposed.resourceVersion ?? "" == "", request.kind != .namespace {
            throw .invalid(
                request.kind, name,
                [
                    APIServerStatus.Cause(
                        reason: "FieldValueInvalid", message: "Invalid value: 0x0: must be specified for an update",
                        field: "metadata.resourceVersion")
                ])
        }
        return try replace(current, with: proposed, request)
    }

    /// PATCH: a JSON merge patch (RFC 7386). A resource version in it is a precondition.
    mutating func patch(_ request: Request) throws(APIServerStatus) -> JSONObject {
        guard let patch = request.body, patch.object != nil else { throw .badRequest("the patch is not a JSON object") }
        let current = try existing(request)
        let shown = JSONValue.object(current.shown(as: request.kind, request.version))
        var patched = request
        patched.body = shown.applying(mergePatch: patch)
        return try replace(current, with: try submitted(patched), request)
    }

    private mutating func replace(
        _ current: JSONObject, with proposal: JSONObject, _ request: Request
    ) throws(APIServerStatus) -> JSONObject {
        let (kind, name) = (request.kind, request.name ?? "")
        if let version = proposal.resourceVersion, version != "", version != current.resourceVersion {
            throw .conflict(
                kind, name,
                "the object has been modified; please apply your changes to the latest version and try again")
        }
        if let uid = proposal.metadata["uid"]?.string, uid != "", uid != current.metadata["uid"]?.string {
            throw .conflict(
                kind, name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: "
                    + (current.metadata["uid"]?.string ?? ""))
        }
        var object = merged(current, with: proposal, request)
        if kind.isCustom { webhook?(&object) }
        try validate(object, as: kind)
        // A request that changes nothing is no write: no new resource version and no event.
        guard object != current else { return current }
        let key = Key(namespace: request.namespace ?? "", name: name)
        let written = commit(object, to: key, of: kind) ?? object
        if written.metadata["deletionTimestamp"] != nil, !written.hasFinalizers { commit(nil, to: key, of: kind) }
        return written
    }

    /// The proposal, with everything restored that a client cannot change by this request.
    private func merged(_ current: JSONObject, with proposal: JSONObject, _ request: Request) -> JSONObject {
        var object = proposal
        if request.isForStatus {
            object = current
            object["status"] = proposal["status"]
            return object
        }
        if request.kind.isCustom { object["status"] = current["status"] }
        var metadata = object.metadata
        let ownedByServer = [
            "name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp",
            "deletionGracePeriodSeconds", "managedFields", "selfLink",
        ]
        for field in ownedByServer { metadata[field] = current.metadata[field] }
        object.metadata = metadata
        if request.kind.isCustom, object.specification != current.specification {
            object.metadata["generation"] = .integer((current.metadata["generation"]?.integer ?? 0) + 1)
        }
        return object
    }

    /// The object in the body, once it is what the path says it is; without `apiVersion` and `kind`.
    private func submitted(_ request: Request) throws(APIServerStatus) -> JSONObject {
        guard var object = request.body?.object else { throw .badRequest("the body is not a JSON object") }
        let expected = (version: request.kind.apiVersion(request.version), kind: request.kind.name)
        guard object["apiVersion"]?.string == expected.version, object["kind"]?.string == expected.kind else {
            let (version, kind) = (object["apiVersion"]?.string ?? "", object["kind"]?.string ?? "")
            throw .badRequest(
                "the object provided is \"\(version)\" \"\(kind)\", but the path is for \"\(expected.version)\" "
                    + "\"\(expected.kind)\"")
        }
        let namespace = object.metadata["namespace"]?.string ?? ""
        guard namespace == "" || namespace == request.namespace else {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
        object["apiVersion"] = nil
        object["kind"] = nil
        return object
    }

    private func requireLiveNamespace(_ namespace: String, for kind: Kind, _ name: String) throws(APIServerStatus) {
        guard let owner = object(.namespace, name: namespace) else { throw .notFound(.namespace, namespace) }
        if owner.metadata["deletionTimestamp"] != nil { throw .terminating(kind, name, namespace: namespace) }
    }

    func namespaceObject(named name: String, now: Date) -> JSONObject {
        var object = JSONObject()
        object.metadata = JSONObject([
            "name": .string(name), "uid": .string(makeUID()), "creationTimestamp": .string(Self.timestamp(now)),
        ])
        Self.completeNamespace(&object)
        return object
    }

    private static func completeNamespace(_ object: inout JSONObject) {
        var labels = object.metadata["labels"]?.object ?? JSONObject()
        labels["kubernetes.io/metadata.name"] = object.metadata["name"]
        object.metadata["labels"] = .object(labels)
        object["status"] = ["phase": "Active"]
    }

    /// RFC 3339 in UTC, to the second: meta/v1 `Time`.
    static func timestamp(_ date: Date) -> String {
        date.formatted(.iso8601)
    }
}
