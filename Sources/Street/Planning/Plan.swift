package import IstioAPI
package import JSON

/// What has to be done to one object.
package enum Change: Hashable, Sendable {
    /// Nothing: the object is as it should be, or neither exists nor should.
    case none
    case create(Resource)
    /// A JSON merge patch (RFC 7386) of the fields that differ. It is valid for this revision of the object only.
    case patch(ActualObject, JSONValue)
    case delete(ActualObject)
    /// Somebody else's object has the name. It is not touched.
    case conflict(reason: String)
}

extension Change {
    /// The step from what is to what should be. Only fields that `desired` sets are compared, with the fields of others
    /// left alone; an object without the owner's labels is never changed or removed.
    package static func plan(desired: Resource?, actual: ActualObject?, ownership: Ownership) -> Change {
        guard let actual else { return desired.map { .create($0) } ?? .none }
        guard ownership.covers(actual) else {
            if desired == nil { return .none }
            let labels = ownership.labels.sorted(by: <).map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
            return .conflict(
                reason:
                    "\(actual.key) exists and is not ours; rename it, or give it the labels \(labels) to hand it over")
        }
        guard let desired else { return .delete(actual) }
        return patch(from: actual, to: desired, ownership: ownership)
    }

    private static func patch(from actual: ActualObject, to desired: Resource, ownership: Ownership) -> Change {
        var metadata = JSONObject()
        metadata["annotations"] = difference(
            from: actual.annotations.filter {
                $0.key.hasPrefix(ownership.annotationPrefix) || desired.annotations[$0.key] != nil
            }, to: desired.annotations)
        metadata["labels"] = difference(
            from: actual.labels.filter { desired.labels[$0.key] != nil }, to: desired.labels)
        let wanted = desired.spec.object ?? JSONObject()
        var present = JSONObject()
        let exclusive = desired.key.kind.exclusiveFields
        for member in actual.spec.object?.members ?? []
        where desired.ownsWholeSpec || wanted[member.key] != nil || exclusive.contains(member.key) {
            present[member.key] = member.value
        }
        let spec = JSONValue.object(present).mergePatch(to: .object(wanted))
        if metadata.isEmpty, spec == nil { return .none }
        if spec == nil, metadata["labels"] == nil, actual.saysEnough(for: desired, ownership) { return .none }

        var patch = JSONObject()
        if !metadata.isEmpty { patch["metadata"] = .object(metadata) }
        patch["spec"] = spec
        return .patch(actual, .object(patch))
    }

    private static func difference(from: [String: String], to: [String: String]) -> JSONValue? {
        JSONValue(strings: from).mergePatch(to: JSONValue(strings: to))
    }
}

extension Change {
    /// The fields that a patch changes, such as `spec.hosts` and `metadata.labels[team]`.
    package var fields: [String] {
        guard case .patch(_, let patch) = self else { return [] }
        let metadata = ["labels", "annotations"].flatMap { section in
            (patch["metadata"]?[section]?.object?.keys ?? []).map { "metadata.\(section)[\($0)]" }
        }
        return (patch["spec"]?.object?.keys ?? []).map { "spec.\($0)" } + metadata
    }
}

extension Change {
    /// Whether an endpoint leaves: a WorkloadEntry goes, or a ServiceEntry drops one of its endpoints.
    package var removesEndpoints: Bool {
        if case .delete = self { return true }
        guard case .patch(let actual, let patch) = self, let wanted = patch["spec"]?["endpoints"] else {
            return false
        }
        let places = Set((wanted.array ?? []).compactMap(EndpointPlace.init))
        return (actual.spec["endpoints"]?.array ?? []).compactMap(EndpointPlace.init).contains { !places.contains($0) }
    }

    /// Whether it takes away endpoints that the service may still have in its other form: a WorkloadEntry goes, or a
    /// ServiceEntry drops its endpoints for a selector.
    package var takesAwayEndpoints: Bool {
        switch self {
        case .delete(let actual): actual.key.kind == .workloadEntry
        case .patch(let actual, let patch): !actual.selectsWorkloads && patch["spec"]?["workloadSelector"] != nil
        case .none, .create, .conflict: false
        }
    }
}

extension ActualObject {
    /// The object after a planned merge patch was accepted.
    package func applying(_ patch: JSONValue, revision: Revision?) -> ActualObject {
        var object = self
        object.revision = revision
        let metadata = patch["metadata"] ?? [:]
        object.labels = JSONValue(strings: labels).applying(mergePatch: metadata["labels"] ?? [:]).strings
        object.annotations =
            JSONValue(strings: annotations).applying(mergePatch: metadata["annotations"] ?? [:]).strings
        object.spec = spec.applying(mergePatch: patch["spec"] ?? [:])
        return object
    }
}
