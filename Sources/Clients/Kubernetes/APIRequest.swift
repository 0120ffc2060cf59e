internal import NIOHTTP1
internal import Text

/// One request to the API server, without the headers that all requests share.
struct APIRequest: Sendable {
    var method: HTTPMethod = .GET
    var path: String
    var query: [(name: String, value: String)] = []
    var accept: String = Representation.json
    var contentType: String?
    var body: [UInt8]?

    var isWrite: Bool { method != .GET }

    /// The request's name in errors: method and path. The query is left out because it is long and explains little.
    var label: String { "\(method.rawValue) \(path)" }

    /// Path and query, percent-encoded.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }
}

extension ResourceType {
    /// The URL path of the collection, of one object in it, or of a subresource of that object.
    ///
    /// - Parameter namespace: `nil` for the collection of all namespaces, and for cluster-scoped types.
    /// - Throws: `KubernetesError` with `configuration` for a name that would lead to another path. With an empty name,
    ///   a request to delete one object would delete the whole collection.
    func path(
        namespace: String?, name: String? = nil, subresource: Subresource? = nil
    ) throws(KubernetesError) -> String {
        var path = Self.path(group: group, version: version)
        if let namespace { path += "/namespaces/\(try Self.segment(namespace, of: "namespace"))" }
        path += "/\(try Self.segment(plural, of: "resource type"))"
        if let name { path += "/\(try Self.segment(name, of: "name"))" }
        if let subresource { path += "/\(try Self.segment(subresource.name, of: "subresource"))" }
        return path
    }

    /// The URL path of a version of an API group, or of the group's discovery document.
    static func path(group: String, version: String? = nil) -> String {
        let root = group.isEmpty ? "/api" : "/apis/\(group.percentEncoded)"
        return version.map { "\(root)/\($0.percentEncoded)" } ?? root
    }

    private static func segment(_ text: String, of what: String) throws(KubernetesError) -> String {
        guard !["", ".", ".."].contains(text) else {
            throw KubernetesError(code: .configuration, message: "'\(text)' cannot be the \(what) of an object")
        }
        return text.percentEncoded
    }
}
