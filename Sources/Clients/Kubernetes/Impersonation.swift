internal import Text

/// Another user that the client acts as (user impersonation of the Kubernetes API). The client's own user needs the
/// permission to impersonate it.
public struct Impersonation: Sendable, Hashable {
    public var user: String
    public var uid: String?
    public var groups: [String]
    /// Further attributes for authorizers, such as `scopes`.
    public var extra: [String: [String]]

    public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
        self.user = user
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }
}

extension Impersonation {
    /// The headers of a request. Their order is fixed.
    var headers: [(name: String, value: String)] {
        var headers = [(name: "Impersonate-User", value: user)]
        if let uid { headers.append((name: "Impersonate-Uid", value: uid)) }
        headers += groups.map { (name: "Impersonate-Group", value: $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            // A key such as `example.com/scopes` must be encoded to be the name of a header.
            let name = "Impersonate-Extra-\(key.percentEncoded)"
            headers += values.map { (name: name, value: $0) }
        }
        return headers
    }
}
