internal import JSON

/// Discovery, the first requests of a client: groups, versions and resources, in the legacy form (meta/v1) and in the
/// aggregated one (apidiscovery.k8s.io v2).
struct APIServerDiscovery: Sendable {
    private let kinds: [ResourceStore.Kind]

    init(kinds: [ResourceStore.Kind]) {
        self.kinds = kinds
    }

    static let version: JSONValue = [
        "major": "1", "minor": "32", "gitVersion": "v1.32.0-isthmus", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swiftc", "platform": "linux/amd64",
    ]

    /// The document at a path such as `/api`, `/apis/GROUP` or `/apis/GROUP/VERSION`; `nil` where there is none.
    func document(at segments: [String], accepted: [APIServerMediaType]) -> (JSONValue, APIServerMediaType)? {
        let plain = { (document: JSONValue?) in document.map { ($0, APIServerMediaType.object) } }
        switch (segments.count, segments.first) {
        case (1, "api"), (1, "apis"):
            let isCore = segments[0] == "api"
            if case .discovery(let version)? = accepted.first {
                return (aggregated(version, isCore: isCore), .discovery(version: version))
            }
            return plain(isCore ? Self.coreVersions : groupList)
        case (2, "api"): return plain(resourceList(group: "", version: segments[1]))
        case (2, "apis"): return plain(group(segments[1]))
        case (3, "apis"): return plain(resourceList(group: segments[1], version: segments[2]))
        default: return nil
        }
    }

    private static let coreVersions: JSONValue = [
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    ]

    private var groups: [String] {
        var names: [String] = []
        for kind in kinds where !kind.group.isEmpty && !names.contains(kind.group) { names.append(kind.group) }
        return names
    }

    private var groupList: JSONValue {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(groups.compactMap { group($0, isListed: true) }),
        ]
    }

    private func versions(of group: String) -> [String] {
        var versions: [String] = []
        for kind in kinds where kind.group == group {
            versions += kind.versions.filter { !versions.contains($0) }
        }
        return versions
    }

    private func group(_ name: String, isListed: Bool = false) -> JSONValue? {
        let versions = versions(of: name).map { version -> JSONValue in
            ["groupVersion": .string("\(name)/\(version)"), "version": .string(version)]
        }
        guard let preferred = versions.first else { return nil }
        var group = JSONObject(["name": .string(name), "versions": .array(versions), "preferredVersion": preferred])
        if !isListed {
            group["kind"] = "APIGroup"
            group["apiVersion"] = "v1"
        }
        return .object(group)
    }

    private func kinds(group: String, version: String) -> [ResourceStore.Kind] {
        kinds.filter { $0.group == group && $0.versions.contains(version) }
    }

    private func resourceList(group: String, version: String) -> JSONValue? {
        let served = kinds(group: group, version: version)
        guard let first = served.first else { return nil }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(first.apiVersion(version)),
            "resources": .array(served.flatMap(Self.resources)),
        ]
    }

    private static let verbs: JSONValue = ["create", "delete", "get", "list", "patch", "update", "watch"]
    private static let statusVerbs: JSONValue = ["get", "patch", "update"]

    private static func resources(_ kind: ResourceStore.Kind) -> [JSONValue] {
        var resource = JSONObject([
            "name": .string(kind.plural), "singularName": .string(kind.singular),
            "namespaced": .bool(kind.isNamespaced), "kind": .string(kind.name), "verbs": verbs,
        ])
        if !kind.shortNames.isEmpty { resource["shortNames"] = .array(kind.shortNames.map(JSONValue.string)) }
        if !kind.categories.isEmpty { resource["categories"] = .array(kind.categories.map(JSONValue.string)) }
        guard kind.isCustom else { return [.object(resource)] }
        let status: JSONValue = [
            "name": .string("\(kind.plural)/status"), "singularName": "", "namespaced": .bool(kind.isNamespaced),
            "kind": .string(kind.name), "verbs": statusVerbs,
        ]
        return [.object(resource), status]
    }

    private func aggregated(_ version: String, isCore: Bool) -> JSONValue {
        let items = (isCore ? [""] : groups).map { group -> JSONValue in
            let versions = versions(of: group).map { version -> JSONValue in
                let resources = kinds(group: group, version: version).map { Self.aggregated($0, version) }
                return ["version": .string(version), "resources": .array(resources), "freshness": "Current"]
            }
            let metadata: JSONValue = group.isEmpty ? [:] : ["name": .string(group)]
            return ["metadata": metadata, "versions": .array(versions)]
        }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"), "metadata": [:],
            "items": .array(items),
        ]
    }

    private static func aggregated(_ kind: ResourceStore.Kind, _ version: String) -> JSONValue {
        let response: JSONValue = [
            "group": .string(kind.group), "version": .string(version), "kind": .string(kind.name),
        ]
        var resource = JSONObject([
            "resource": .string(kind.plural), "responseKind": response,
            "scope": kind.isNamespaced ? "Namespaced" : "Cluster", "singularResource": .string(kind.singular),
            "verbs": verbs,
        ])
        if !kind.shortNames.isEmpty { resource["shortNames"] = .array(kind.shortNames.map(JSONValue.string)) }
        if !kind.categories.isEmpty { resource["categories"] = .array(kind.categories.map(JSONValue.string)) }
        if kind.isCustom {
            resource["subresources"] = [
                ["subresource": "status", "responseKind": response, "verbs": statusVerbs]
            ]
        }
        return .object(resource)
    }
}
