extension JSONValue {
    /// The JSON merge patch (RFC 7386) that turns `self` into `target`, or `nil` when there is nothing to change.
    ///
    /// An array is replaced whole, as the RFC says. No merge patch leads to a `target` with a `null` member, since a
    /// patch removes a member by `null`. Kubernetes resources have none.
    package func mergePatch(to target: JSONValue) -> JSONValue? {
        if self == target { return nil }
        guard case .object(let from) = self, case .object(let to) = target else { return target }
        var patch = JSONObject()
        for member in from.members where to[member.key] == nil { patch[member.key] = .null }
        for member in to.members {
            if let present = from[member.key] {
                patch[member.key] = present.mergePatch(to: member.value)
            } else {
                patch[member.key] = member.value
            }
        }
        return .object(patch)
    }

    /// `self` after a JSON merge patch (RFC 7386).
    package func applying(mergePatch patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result = object ?? JSONObject()
        for change in changes.members {
            if case .null = change.value {
                result[change.key] = nil
            } else {
                result[change.key] = (result[change.key] ?? .null).applying(mergePatch: change.value)
            }
        }
        return .object(result)
    }
}
