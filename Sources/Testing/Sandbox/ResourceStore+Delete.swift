internal import JSON

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension ResourceStore {
    /// DELETE, with the preconditions in its `DeleteOptions`. An object with finalizers stays, marked, until a write
    /// takes the last of them away.
    mutating func delete(_ request: Request, now: Date) throws(APIServerStatus) -> Reply {
        let (kind, name) = (request.kind, request.name ?? "")
        let object = try existing(request)
        try check(preconditions: request.body?["preconditions"]?.object, of: object, kind, name)
        let key = Key(namespace: request.namespace ?? "", name: name)

        if object.hasFinalizers {
            guard object.metadata["deletionTimestamp"] == nil else { return .object(object) }
            var marked = object
            marked.metadata["deletionTimestamp"] = .string(Self.timestamp(now))
            marked.metadata["deletionGracePeriodSeconds"] = 0
            return .object(commit(marked, to: key, of: kind) ?? marked)
        }
        if kind == .namespace { try removeContent(of: name, now: now) }
        commit(nil, to: key, of: kind)
        return .deleted([
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
            "details": [
                "name": .string(name), "group": .string(kind.group), "kind": .string(kind.plural),
                "uid": object.metadata["uid"] ?? .null,
            ],
        ])
    }

    /// The objects of a namespace are deleted before it; their finalizers don't hold it back.
    private mutating func removeContent(of namespace: String, now: Date) throws(APIServerStatus) {
        for kind in kinds where kind.isNamespaced {
            guard let content = objects[kind.qualifiedName] else { continue }
            for key in content.keys[content.range(of: namespace)] { commit(nil, to: key, of: kind) }
        }
    }

    private func check(
        preconditions: JSONObject?, of object: JSONObject, _ kind: Kind, _ name: String
    ) throws(APIServerStatus) {
        for (field, label) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            guard let expected = preconditions?[field]?.string else { continue }
            let actual = object.metadata[field]?.string ?? ""
            guard expected == actual else {
                throw .conflict(
                    kind, name,
                    "Precondition failed: \(label) in precondition: \(expected), \(label) in object meta: \(actual)")
            }
        }
    }
}
