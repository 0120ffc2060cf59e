package import Addressing

/// A server as a URL names it: `http://HOST:PORT` or `https://HOST:PORT`, and a path where its API has one.
package struct HTTPServer: Hashable, Sendable {
    package var address: HostPort
    package var isSecure: Bool
    /// Empty, or a path that begins with `/` and does not end with one.
    package var path: String

    package init(_ address: HostPort, isSecure: Bool = false, path: String = "") {
        self.address = address
        self.isSecure = isSecure
        self.path = path
    }

    /// Reads a URL without user, query and fragment.
    ///
    /// - Parameter defaultPort: `nil` for 80 or 443.
    /// - Returns: `nil` for any other text.
    package init?(url: String, defaultPort: Int? = nil) {
        let scheme = url.hasPrefix("https://") ? "https://" : "http://"
        guard url.hasPrefix(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count)
        guard !rest.contains(where: { "@?#".contains($0) || $0.isWhitespace }) else { return nil }
        let host = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(host.count))
        while path.hasSuffix("/") { path.removeLast() }
        let isSecure = scheme == "https://"
        let port = defaultPort ?? (isSecure ? 443 : 80)
        guard let address = HostPort(String(host)) ?? HostPort("\(host):\(port)") else { return nil }
        self.init(address, isSecure: isSecure, path: path)
    }

    /// The beginning of the URL of each request.
    package var url: String { url(host: address) }

    /// - Parameter name: The name that the server's certificate must have; `nil` for the host's own.
    package func url(serverName name: String?) -> String {
        url(host: HostPort(host: name ?? address.host, port: address.port))
    }

    private func url(host: HostPort) -> String { "\(isSecure ? "https" : "http")://\(host)\(path)" }
}

extension HTTPServer: CustomStringConvertible {
    package var description: String { url }
}
