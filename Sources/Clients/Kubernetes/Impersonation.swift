/// Another user to act as; the client's own needs the permission to impersonate it.
public struct Impersonation: Sendable, Hashable {
    public var user: String
    public var uid: String?
    public var groups: [String]
    /// What authorizers may know besides, such as `scopes`.
    public var extra: [String: [String]]

    public init(user: String, uid: String? = nil, groups: [String] = [], extra: [String: [String]] = [:]) {
        self.user = user
        self.uid = uid
        self.groups = groups
        self.extra = extra
    }
}

extension Impersonation {
    /// The headers of the Kubernetes API's user impersonation, in an order of their own.
    var headers: [(name: String, value: String)] {
        var headers = [(name: "Impersonate-User", value: user)]
        if let uid { headers.append((name: "Impersonate-Uid", value: uid)) }
        headers += groups.map { (name: "Impersonate-Group", value: $0) }
        for (key, values) in extra.sorted(by: { $0.key < $1.key }) {
            // Keys such as `example.com/scopes` are no names of headers, unless encoded.
            let name = "Impersonate-Extra-\(APIRequest.percentEncoded(key))"
            headers += values.map { (name: name, value: $0) }
        }
        return headers
    }
}
