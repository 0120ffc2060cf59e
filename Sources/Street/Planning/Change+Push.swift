package import IstioAPI
internal import JSON

extension Change {
    /// What istiod pushes for it.
    /// - Parameter entry: The ServiceEntry that a WorkloadEntry belongs to, as it stands; `nil` where none does, or
    ///   where the object is no WorkloadEntry.
    package func push(selectedBy entry: ConfigObject? = nil) -> IstiodPush {
        switch self {
        case .none, .conflict: .nothing
        case .create(.serviceEntry): .full([.appears])
        case .create(let resource): Self.push(from: nil, to: ConfigObject(resource), entry)
        case .patch(let actual, let patch): Self.push(from: actual.configObject, to: actual.applying(patch), entry)
        case .delete(let actual): Self.push(from: actual.configObject, to: nil, entry)
        }
    }

    private static func push(from before: ConfigObject?, to after: ConfigObject?, _ entry: ConfigObject?) -> IstiodPush
    {
        switch (after ?? before)?.kind {
        case ResourceKind.serviceEntry.rawValue: .serviceEntry(from: before, to: after)
        case ResourceKind.workloadEntry.rawValue:
            .workloadEntry(from: before, to: after, among: entry.map { [$0] } ?? [])
        case ResourceKind.destinationRule.rawValue: .destinationRule(from: before, to: after)
        default: .configuration(from: before, to: after)
        }
    }
}

extension ActualObject {
    /// The object as istiod reads it.
    package var configObject: ConfigObject {
        ConfigObject(
            kind: key.kind.rawValue, namespace: key.namespace, name: key.name, labels: labels,
            annotations: annotations, spec: spec)
    }

    fileprivate func applying(_ patch: JSONValue) -> ConfigObject {
        applying(patch, revision: revision).configObject
    }
}
