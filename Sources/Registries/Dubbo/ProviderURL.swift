internal import Services

/// The parts of a provider URL: `protocol://[user:password@]host[:port][/path][?key=value&…]`
/// (`org.apache.dubbo.common.URL`, `URLStrParser`). Nothing is interpreted yet.
struct ProviderURL {
    /// Why a text is not a provider URL, or none that can be used.
    struct Malformed: Error {
        var reason: String
        /// Whether the URL says where the provider is.
        var isUnderstood = false
    }

    /// 256 KiB. No real URL comes near it.
    static let maximumLength = 256 << 10

    let scheme: String
    private let address: Address
    private var parameters: [Parameter] = []

    private enum Address {
        /// `[user:password@]host[:port]`
        case text(ArraySlice<UInt8>)
        case parts(host: String, port: Int)
    }

    /// Bytes, since few parameters are ever read as strings.
    private struct Parameter {
        var key: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>
    }

    /// - Parameter node: The URL as the registry has it: encoded once, or twice by some gateways.
    init(node: String) throws(Malformed) {
        guard node.utf8.count <= Self.maximumLength else {
            throw Malformed(reason: "it has \(node.utf8.count) bytes, more than \(Self.maximumLength)")
        }
        var text = try Self.decoded(ByteText.formDecoded(node))
        if !text.contains(UInt8(ascii: ":")), text.contains(UInt8(ascii: "%")) {
            text = try Self.decoded(text.withUnsafeBufferPointer { ByteText.formDecoded($0) })
        }
        let (beforeQuery, query) = text.cut(at: UInt8(ascii: "?"))
        guard let (scheme, rest) = Self.cutScheme(beforeQuery) else { throw Malformed(reason: "it has no '://'") }
        self.scheme = ByteText.string(scheme)?.lowercased() ?? ""
        address = .text(rest.cut(at: UInt8(ascii: "/")).0)
        if let query { try readParameters(query) }
    }

    /// The parts of a URL as a registry keeps them that has no URLs: the scheme is the parameter `protocol`.
    init(host: String, port: Int, parameters: [String: String]) {
        scheme = parameters["protocol"]?.lowercased() ?? ""
        address = .parts(host: host, port: port)
        self.parameters = parameters.map {
            Parameter(key: ArraySlice($0.key.utf8), value: ArraySlice($0.value.utf8))
        }
    }

    private static func decoded(_ bytes: [UInt8]?) throws(Malformed) -> [UInt8] {
        guard let bytes else {
            throw Malformed(reason: "'%' is not followed by two hexadecimal digits")
        }
        return bytes
    }

    /// The value of a parameter; `nil` for an empty one too. A provider of Dubbo 2.6 may write `default.key` for `key`.
    subscript(key: String) -> String? { bytes(of: key).flatMap(ByteText.string) }

    /// The bytes of a parameter's value, which are valid UTF-8.
    func bytes(of key: String) -> ArraySlice<UInt8>? {
        (last(named: key) ?? last(named: "default." + key)).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The last one of the parameters with this name.
    private func last(named key: String) -> ArraySlice<UInt8>? {
        parameters.last { $0.key.equals(key) }?.value
    }

    private static func cutScheme(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        let (scheme, rest) = text.cut(at: UInt8(ascii: ":"))
        guard let rest, rest.starts(with: "//".utf8), !scheme.isEmpty else { return nil }
        return (scheme, rest.dropFirst(2))
    }

    /// The address on which the provider listens. `init` doesn't read it: URLs such as `empty://` and `consumer://`
    /// often have no port.
    func hostAndPort() throws(Malformed) -> (host: String, port: UInt16) {
        switch address {
        case .text(let authority):
            return try Self.hostAndPort(authority)
        case .parts(let host, let port):
            if host.isEmpty { throw Malformed(reason: "it has no host") }
            guard let number = UInt16(exactly: port), number > 0 else {
                throw Malformed(reason: "'\(port)' is not a port from 1 to 65535")
            }
            return (host, number)
        }
    }

    private static func hostAndPort(
        _ authority: ArraySlice<UInt8>
    ) throws(Malformed) -> (host: String, port: UInt16) {
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
            // Text that is no number may be a piece of a password with a '/' in it.
            let shown =
                portText.allSatisfy { ("0"..."9").contains($0) }
                ? "'\(portText.prefix(20))'" : "what follows the last ':'"
            throw Malformed(reason: "\(shown) is not a port from 1 to 65535")
        }
        return (hostText, number)
    }

    private mutating func readParameters(_ query: ArraySlice<UInt8>) throws(Malformed) {
        // All separators are ASCII, so the parts are UTF-8 exactly when the whole is.
        guard query.isASCII || ByteText.string(query) != nil else {
            throw Malformed(reason: "a parameter is not UTF-8")
        }
        parameters.reserveCapacity(32)
        var start = query.startIndex
        var equals: Int?
        for index in query.indices {
            switch query[index] {
            case UInt8(ascii: "="): if equals == nil { equals = index }
            // Dubbo takes ';' for '&'.
            case UInt8(ascii: "&"), UInt8(ascii: ";"):
                add(query[start..<index], equals)
                (start, equals) = (index + 1, nil)
            default: break
            }
        }
        add(query[start...], equals)
    }

    private mutating func add(_ pair: ArraySlice<UInt8>, _ equals: Int?) {
        if pair.isEmpty { return }
        let key = pair[..<(equals ?? pair.endIndex)]
        parameters.append(Parameter(key: key, value: equals.map { pair[($0 + 1)...] } ?? []))
    }
}

extension ArraySlice<UInt8> {
    fileprivate var isASCII: Bool { withUnsafeBufferPointer { $0.reduce(0) { $0 | $1 } < 0x80 } }
}
