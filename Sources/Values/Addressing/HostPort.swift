/// A host and a port, such as `example.org:80`, `10.0.0.1:80` and `[2001:db8::1]:80`.
package struct HostPort: Sendable, Hashable {
    /// A name or an address, without the brackets of IPv6.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

extension HostPort: LosslessStringConvertible {
    /// Reads a host and a port from 1 to 65535. An IPv6 address needs its brackets. `nil` for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        if host.first == "[", host.last == "]" {
            host = host.dropFirst().dropLast()
        } else if host.contains(where: { ":[]".contains($0) }) {
            return nil
        }
        guard !host.isEmpty, digits.first != "+", let port = UInt16(digits), port > 0 else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
