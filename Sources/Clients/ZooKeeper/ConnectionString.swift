/// Where an ensemble is: `host:port,host:port/chroot`, as every ZooKeeper client writes it.
///
/// The port is 2181 where none is given. IPv6 addresses stand in brackets: `[::1]:2181`.
public struct ConnectionString: Hashable, Sendable, CustomStringConvertible {
    public struct Server: Hashable, Sendable, CustomStringConvertible {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        public var description: String {
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    public var servers: [Server]
    /// The znode that the client takes for its root, such as `/dubbo`; empty for the root itself.
    public var chroot: String

    public var description: String {
        servers.map(\.description).joined(separator: ",") + chroot
    }

    /// - Throws: `ZooKeeperError` with code `invalidInput` that names the part which can't be.
    public init(_ text: String) throws(ZooKeeperError) {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        chroot = String(text[slash...])
        if chroot == "/" { chroot = "" }
        if !chroot.isEmpty { try ZnodePath.validate(chroot) }
        servers = []
        for part in text[..<slash].split(separator: ",", omittingEmptySubsequences: false) {
            servers.append(try Self.server(part, of: text))
        }
    }

    private static func server(_ part: Substring, of text: String) throws(ZooKeeperError) -> Server {
        func refuse(_ reason: String) -> ZooKeeperError {
            ZooKeeperError(
                .invalidInput, message: "connection string '\(text)': \(reason); expected HOST:PORT,…[/CHROOT]")
        }
        var trimmed = part.drop { $0 == " " }
        while trimmed.last == " " { trimmed.removeLast() }
        var host = trimmed
        var port: Substring?
        if trimmed.first == "[" {
            guard let end = trimmed.firstIndex(of: "]") else { throw refuse("'[' without ']'") }
            host = trimmed[trimmed.index(after: trimmed.startIndex)..<end]
            let rest = trimmed[trimmed.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { throw refuse("'\(rest)' after ']'") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = trimmed.firstIndex(of: ":") {
            host = trimmed[..<colon]
            port = trimmed[trimmed.index(after: colon)...]
            if port?.contains(":") == true { throw refuse("an IPv6 address needs brackets") }
        }
        guard !host.isEmpty else { throw refuse("a server without a host") }
        guard let port else { return Server(host: String(host), port: 2181) }
        guard let number = Int(port), (1...65535).contains(number) else { throw refuse("'\(port)' is not a port") }
        return Server(host: String(host), port: number)
    }
}
