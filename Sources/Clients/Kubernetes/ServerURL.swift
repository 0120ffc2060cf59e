/// The URL of an API server: `https://host[:port][/prefix]`, or `http://` for a local proxy such as `kubectl proxy`.
struct ServerURL: Sendable, Hashable {
    let isTLS: Bool
    private let address: URLAuthority
    /// The path before that of each request. It starts with a slash and ends without one, or is empty.
    let prefix: String

    /// - Throws: `KubernetesError` with `configuration`.
    init(_ text: String) throws(KubernetesError) {
        // The text before an @ may be a secret, which no message must repeat.
        guard !text.contains("@") else { throw Self.refusal("…", "a user and a password do not belong in it") }
        guard let schemeEnd = text.firstRange(of: "://") else {
            throw Self.refusal(text, "it must start with https:// or http://")
        }
        switch text[..<schemeEnd.lowerBound].lowercased() {
        case "https": isTLS = true
        case "http": isTLS = false
        default: throw Self.refusal(text, "it must start with https:// or http://")
        }
        let rest = text[schemeEnd.upperBound...]
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Self.refusal(text, "it holds characters that a URL must not have")
        }
        guard !rest.contains("?"), !rest.contains("#") else { throw Self.refusal(text, "it must not have a query") }
        let authority = rest.prefix { $0 != "/" }
        do throws(URLAuthority.Malformed) {
            address = try URLAuthority(authority, defaultPort: isTLS ? 443 : 80)
        } catch {
            throw Self.refusal(text, error.reason)
        }
        var path = rest[authority.endIndex...]
        while path.last == "/" { path.removeLast() }
        prefix = String(path)
    }

    private static func refusal(_ text: String, _ why: String) -> KubernetesError {
        KubernetesError(code: .configuration, message: "'\(text)' is not the URL of a server: \(why)")
    }

    /// A name or an address; an IPv6 address without brackets.
    var host: String { address.host }
    var port: Int { address.port }

    /// Host and port as in a `Host` header.
    var authority: String { text(of: address) }

    /// The URL without the request's path.
    ///
    /// - Parameter name: takes the place of the host.
    func root(naming name: String? = nil) -> String {
        var named = address
        if let name { named.host = name }
        return "\(isTLS ? "https" : "http")://\(text(of: named))\(prefix)"
    }

    private func text(of authority: URLAuthority) -> String { authority.text(defaultPort: isTLS ? 443 : 80) }
}
