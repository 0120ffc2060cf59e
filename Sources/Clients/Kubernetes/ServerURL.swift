/// The URL of an API server: `https://host[:port][/prefix]`, or `http://` for a local proxy such as `kubectl proxy`.
struct ServerURL: Sendable, Hashable {
    var isTLS: Bool
    /// A name or an address; an IPv6 address without brackets.
    var host: String
    var port: Int
    /// The path before that of each request. It starts with a slash and ends without one, or is empty.
    var prefix: String

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
        (host, port) = try Self.split(authority, defaultPort: isTLS ? 443 : 80, of: text)
        var path = rest[authority.endIndex...]
        while path.last == "/" { path.removeLast() }
        prefix = String(path)
    }

    private static func split(
        _ authority: Substring, defaultPort: Int, of text: String
    ) throws(KubernetesError) -> (String, Int) {
        var host = authority
        var port: Substring?
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw refusal(text, "a ']' is missing") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { throw refusal(text, "only a port may follow ']'") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { throw refusal(text, "the host is missing") }
        guard let port else { return (String(host), defaultPort) }
        guard let number = UInt16(port), number > 0 else { throw refusal(text, "the port must be 1…65535") }
        return (String(host), Int(number))
    }

    private static func refusal(_ text: String, _ why: String) -> KubernetesError {
        KubernetesError(code: .configuration, message: "'\(text)' is not the URL of a server: \(why)")
    }

    /// Host and port as in a `Host` header.
    var authority: String { Self.authority(host: host, port: port, isTLS: isTLS) }

    /// The URL without the request's path.
    ///
    /// - Parameter name: takes the place of the host.
    func root(naming name: String? = nil) -> String {
        "\(isTLS ? "https" : "http")://\(Self.authority(host: name ?? host, port: port, isTLS: isTLS))\(prefix)"
    }

    private static func authority(host: String, port: Int, isTLS: Bool) -> String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
    }
}
