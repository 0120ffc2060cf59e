internal import NIOHTTP1

/// One request to the API server, apart from what all have in common.
struct APIRequest: Sendable {
    var method: HTTPMethod = .GET
    var path: String
    var query: [(name: String, value: String)] = []
    var accept: String = Representation.json
    var contentType: String?
    var body: [UInt8]?

    var isWrite: Bool { method != .GET }

    /// What errors call it. The query stays out: it is long and says little.
    var label: String { "\(method.rawValue) \(path)" }

    /// Path and query, percent-encoded.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name)=\(Self.percentEncoded($0.value))" }.joined(separator: "&")
    }

    /// Leaves only the unreserved characters of RFC 3986 as they are.
    static func percentEncoded(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }
}

extension ResourceType {
    /// The URL path of the collection, or of one object in it. Without a namespace: cluster-wide.
    ///
    /// - Throws: `KubernetesError` with `configuration` for a name that would lead to another path. An empty name
    ///   would turn the deletion of an object into that of the whole collection.
    func path(namespace: String?, name: String? = nil) throws(KubernetesError) -> String {
        var path = Self.path(group: group, version: version)
        if let namespace { path += "/namespaces/\(try Self.segment(namespace, of: "namespace"))" }
        path += "/\(try Self.segment(plural, of: "resource type"))"
        if let name { path += "/\(try Self.segment(name, of: "name"))" }
        return path
    }

    /// The URL path of a group's version, or of the group's discovery document.
    static func path(group: String, version: String? = nil) -> String {
        let root = group.isEmpty ? "/api" : "/apis/\(APIRequest.percentEncoded(group))"
        return version.map { "\(root)/\(APIRequest.percentEncoded($0))" } ?? root
    }

    private static func segment(_ text: String, of what: String) throws(KubernetesError) -> String {
        guard !["", ".", ".."].contains(text) else {
            throw KubernetesError(code: .configuration, message: "'\(text)' cannot be the \(what) of an object")
        }
        return APIRequest.percentEncoded(text)
    }
}
