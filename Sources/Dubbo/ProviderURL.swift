/// A provider URL in its parts: `protocol://[user:password@]host[:port][/path][?key=value&…]`
/// (`org.apache.dubbo.common.URL`, `URLStrParser`). Nothing is interpreted yet.
struct ProviderURL {
    /// Why text is not a provider URL.
    struct Malformed: Error {
        var reason: String
    }

    /// No real one comes near; what is longer is not worth reading. 256 KiB.
    static let maximumLength = 256 << 10

    let scheme: String
    private let authority: ArraySlice<UInt8>
    private var parameters: [String: String] = [:]

    /// - Parameter node: The URL as it stands in the registry, encoded once, or twice as some gateways leave it.
    init(node: String) throws(Malformed) {
        guard node.utf8.count <= Self.maximumLength else {
            throw Malformed(reason: "it has \(node.utf8.count) bytes, more than \(Self.maximumLength)")
        }
        var text = try Self.decoded(node.utf8)
        if !text.contains(UInt8(ascii: ":")), text.contains(UInt8(ascii: "%")) { text = try Self.decoded(text) }
        let (beforeQuery, query) = text.cut(at: UInt8(ascii: "?"))
        guard let (scheme, rest) = Self.cutScheme(beforeQuery) else { throw Malformed(reason: "it has no '://'") }
        self.scheme = ByteText.string(scheme)?.lowercased() ?? ""
        authority = rest.cut(at: UInt8(ascii: "/")).0
        if let query { try readParameters(query) }
    }

    private static func decoded(_ text: some Sequence<UInt8>) throws(Malformed) -> [UInt8] {
        guard let bytes = ByteText.formDecoded(text) else {
            throw Malformed(reason: "'%' is not followed by two hexadecimal digits")
        }
        return bytes
    }

    /// The value of a parameter; an empty one counts as none. A provider of Dubbo 2.6 may say `default.key` for `key`.
    subscript(key: String) -> String? {
        if let value = parameters[key] { return value.isEmpty ? nil : value }
        return parameters["default." + key].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func cutScheme(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        let (scheme, rest) = text.cut(at: UInt8(ascii: ":"))
        guard let rest, rest.starts(with: "//".utf8), !scheme.isEmpty else { return nil }
        return (scheme, rest.dropFirst(2))
    }

    /// Where the provider listens. Read apart from the rest, since URLs that are no provider's, such as `empty://` and
    /// `consumer://`, often have no port.
    func hostAndPort() throws(Malformed) -> (host: String, port: UInt16) {
        var authority = authority
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) { authority = authority[(at + 1)...] }
        var host = authority
        var port: ArraySlice<UInt8> = []
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw Malformed(reason: "'[' without ']'")
            }
            host = authority[(authority.startIndex + 1)..<end]
            let rest = authority[(end + 1)...]
            guard rest.first == UInt8(ascii: ":") else { throw Malformed(reason: "it has no port") }
            port = rest.dropFirst()
        } else if let colon = authority.lastIndex(of: UInt8(ascii: ":")) {
            // Dubbo writes IPv6 addresses without brackets too; the port comes after the last colon.
            host = authority[..<colon]
            port = authority[(colon + 1)...]
        }
        guard !host.isEmpty, let hostText = ByteText.string(host) else { throw Malformed(reason: "it has no host") }
        guard let portText = ByteText.string(port), !portText.isEmpty else { throw Malformed(reason: "it has no port") }
        guard let number = UInt16(portText), number > 0, portText.first != "+" else {
            // Where the text is no number it may be a piece of a password with a '/' in it.
            let shown =
                portText.allSatisfy { ("0"..."9").contains($0) }
                ? "'\(portText.prefix(20))'" : "what follows the last ':'"
            throw Malformed(reason: "\(shown) is not a port from 1 to 65535")
        }
        return (hostText, number)
    }

    private mutating func readParameters(_ query: ArraySlice<UInt8>) throws(Malformed) {
        // Dubbo takes ';' for '&'.
        for pair in query.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }) {
            let (key, value) = pair.cut(at: UInt8(ascii: "="))
            guard let key = ByteText.string(key), let value = ByteText.string(value ?? []) else {
                throw Malformed(reason: "a parameter is not UTF-8")
            }
            parameters[key] = value
        }
    }
}
