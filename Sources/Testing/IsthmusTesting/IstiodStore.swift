package import IstioAPI
package import IstioProtobuf

/// What a real istiod's store makes of the sets that it gets (`Tests/Fixtures/mcp/changes.json`).
package struct IstiodStore: Sendable {
    private struct Stored: Sendable {
        var resource: Resource
        var version: String
    }

    private let revision: String
    /// By type, then by `namespace/name`.
    private var objects: [String: [String: Stored]] = [:]

    package init(revision: String = "default") {
        self.revision = revision
    }

    package var resources: [String: Resource] {
        Dictionary(objects.values.flatMap { $0.map { ($0.key, $0.value.resource) } }) { $1 }
    }

    package var versions: [String: String] {
        Dictionary(objects.values.flatMap { $0.map { ($0.key, $0.value.version) } }) { $1 }
    }

    /// Takes a complete set of one type.
    /// - Returns: The names of the objects that were in it.
    package mutating func take(_ response: DiscoveryResponse) -> [String] {
        let before = objects[response.typeURL] ?? [:]
        var after: [String: Stored] = [:]
        var names: [String] = []
        for any in response.resources {
            // What can't be decoded, or has no good name, counts as absent, and so is deleted.
            guard let wrapped = try? MCPResource(any: any[...]) else { continue }
            let name = "\(wrapped.key.namespace)/\(wrapped.key.name)"
            names.append(name)
            if let other = wrapped.resource.labels["istio.io/rev"], other != revision { continue }
            let known = before[name]
            // Changed content under a known version is ignored; so is what is invalid.
            if let known, known.version == wrapped.version || !wrapped.resource.violations.isEmpty {
                after[name] = known
            } else if wrapped.resource.violations.isEmpty {
                after[name] = Stored(resource: wrapped.resource, version: wrapped.version)
            }
        }
        objects[response.typeURL] = after
        return names
    }
}
