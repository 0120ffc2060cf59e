internal import JSON

/// As much of OpenAPI 3 as kubectl reads before it writes: that the server checks fields itself, so that kubectl need
/// not. There are no schemas, and so nothing for `kubectl explain`.
struct APIServerOpenAPI: Sendable {
    private let kinds: [ResourceStore.Kind]

    init(kinds: [ResourceStore.Kind]) {
        self.kinds = kinds
    }

    /// The document at `/openapi/v3` or `/openapi/v3/apis/GROUP/VERSION`; `nil` where there is none.
    func document(at segments: [String]) -> JSONValue? {
        guard segments.starts(with: ["openapi", "v3"]) else { return nil }
        let path = segments.dropFirst(2).joined(separator: "/")
        guard !path.isEmpty else {
            let links = kinds.flatMap { kind in kind.versions.map { Self.path(kind, $0) } }
            return ["paths": Self.object(Set(links).map { ($0, ["serverRelativeURL": .string("/openapi/v3/\($0)")]) })]
        }
        let operations = kinds.flatMap { kind in
            kind.versions.filter { Self.path(kind, $0) == path }.map { version in
                let name = (kind.isNamespaced ? "namespaces/{namespace}/" : "") + "\(kind.plural)/{name}"
                return ("/\(path)/\(name)", ["patch": Self.patch(kind, version)] as JSONValue)
            }
        }
        guard !operations.isEmpty else { return nil }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.32.0"],
            "paths": Self.object(operations),
        ]
    }

    private static func path(_ kind: ResourceStore.Kind, _ version: String) -> String {
        (kind.group.isEmpty ? "api/" : "apis/") + kind.apiVersion(version)
    }

    private static func patch(_ kind: ResourceStore.Kind, _ version: String) -> JSONValue {
        let parameters = ["dryRun", "fieldManager", "fieldValidation"].map { name -> JSONValue in
            ["name": .string(name), "in": "query", "schema": ["type": "string"]]
        }
        return [
            "parameters": .array(parameters),
            "responses": ["200": ["description": "OK"]],
            "x-kubernetes-group-version-kind": [
                "group": .string(kind.group), "version": .string(version), "kind": .string(kind.name),
            ],
        ]
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members.map { (key: $0.0, value: $0.1) }))
    }
}
