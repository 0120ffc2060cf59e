internal import Addressing

/// The host and the port of a URL (RFC 3986): `host[:port]`, or `[address][:port]` for an IPv6 address.
struct URLAuthority: Sendable, Hashable {
    /// Why a text is no authority, as the end of a sentence.
    struct Malformed: Error {
        let reason: String
    }

    /// A name or an address; an IPv6 address without brackets.
    var host: String
    var port: Int

    /// - Parameter defaultPort: the port of a text that names none.
    init(_ text: Substring, defaultPort: Int) throws(Malformed) {
        var host = text
        var port: Substring?
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw Malformed(reason: "a ']' is missing") }
            host = text[..<end].dropFirst()
            guard case .v6? = IPAddress(host) else {
                throw Malformed(reason: "only an IPv6 address, without a zone, belongs in brackets")
            }
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.first == ":" else { throw Malformed(reason: "only a port may follow ']'") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[colon...].dropFirst()
            guard port?.contains(":") == false else {
                throw Malformed(reason: "an IPv6 address needs brackets, as in [fd00::1]:6443")
            }
        }
        guard !host.isEmpty else { throw Malformed(reason: "the host is missing") }
        self.host = String(host)
        self.port = try port.map { (digits) throws(Malformed) in try Self.port(digits) } ?? defaultPort
    }

    private static func port(_ digits: Substring) throws(Malformed) -> Int {
        guard let port = UInt16(digits), port > 0 else { throw Malformed(reason: "the port must be 1…65535") }
        return Int(port)
    }

    /// The text, without the port if that is the default.
    func text(defaultPort: Int) -> String {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        return port == defaultPort ? bracketed : "\(bracketed):\(port)"
    }
}
