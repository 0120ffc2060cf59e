internal import Text

extension ClusterConfiguration {
    /// A proxy between the client and the API server. Printing it shows no user and no password.
    public struct Proxy: Sendable, Hashable {
        enum Kind: String, Sendable {
            /// A proxy that opens a tunnel at a `CONNECT` request.
            case http
            /// SOCKS version 5.
            case socks5
        }

        struct User: Sendable, Hashable {
            var name: String
            var password: Secret
        }

        /// The whole URL. It may hold a password.
        let url: String
        let kind: Kind
        let address: URLAuthority
        let user: User?
        /// The environment variable that names the proxy; `nil` for a proxy of the configuration.
        var variable: String?

        /// - Parameter url: `http://[user:password@]host[:port]` or `socks5://host[:port]`.
        /// - Throws: `KubernetesError` with `configuration`. The message holds no user and no password.
        public init(url: String) throws(KubernetesError) {
            self.url = url
            let parts = Parts(url)
            kind = try Self.kind(parts)
            do throws(URLAuthority.Malformed) {
                address = try URLAuthority(parts.authority, defaultPort: kind.defaultPort)
            } catch {
                throw parts.refusal(error.reason)
            }
            user = try parts.user.map { (text) throws(KubernetesError) in
                guard let user = User(text) else { throw parts.refusal("user and password are not percent-encoded") }
                return user
            }
            if kind == .socks5, user != nil {
                throw parts.refusal("this client gives no user and no password to a SOCKS proxy")
            }
        }

        private static func kind(_ parts: Parts) throws(KubernetesError) -> Kind {
            switch parts.scheme {
            case "http": return .http
            // Both let the proxy resolve the server's name.
            case "socks5", "socks5h": return .socks5
            case "https": throw parts.refusal("this client speaks no TLS to a proxy; use http:// or socks5://")
            default: throw parts.refusal("it must start with http:// or socks5://")
            }
        }
    }
}

extension ClusterConfiguration.Proxy: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL without user and password.
    public var description: String { "\(kind.rawValue)://\(address.text(defaultPort: kind.defaultPort))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ClusterConfiguration.Proxy.Kind {
    fileprivate var defaultPort: Int {
        switch self {
        case .http: 80
        case .socks5: 1080
        }
    }
}

extension ClusterConfiguration.Proxy.User {
    /// - Parameter text: `user[:password]`, percent-encoded.
    fileprivate init?(_ text: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = String(parts[0]).percentDecoded(),
            let password = (parts.count > 1 ? String(parts[1]) : "").percentDecoded()
        else { return nil }
        self.init(name: name, password: Secret(password))
    }
}

/// The parts of a proxy's URL. A path after the authority has no meaning, and is dropped.
///
/// All text before the last `@` counts as user and password, also where it is not encoded well: no message repeats it.
private struct Parts {
    var scheme: String
    var user: Substring?
    var authority: Substring

    init(_ url: String) {
        var rest = url[...]
        scheme = ""
        if let end = url.firstRange(of: "://") {
            scheme = url[..<end.lowerBound].lowercased()
            rest = url[end.upperBound...]
        }
        if let at = rest.lastIndex(of: "@") {
            user = rest[..<at]
            rest = rest[at...].dropFirst()
        }
        authority = rest.prefix { $0 != "/" }
    }

    func refusal(_ why: String) -> KubernetesError {
        let text = scheme.isEmpty ? String(authority) : "\(scheme)://\(authority)"
        return KubernetesError(code: .configuration, message: "'\(text)' is not the URL of a proxy: \(why)")
    }
}
