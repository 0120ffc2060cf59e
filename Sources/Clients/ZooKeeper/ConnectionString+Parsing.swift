/// The reason why a text is not a connection string.
struct ConnectionStringProblem: Error {
    var reason: String

    /// The error for users.
    ///
    /// User info ends with '@' and a query begins with '?'. A password may contain any separator, so a text with one of
    /// the two is wrong for that reason first, and no message repeats a part of it that may be secret.
    func error(in text: String) -> ZooKeeperError {
        let hasUserInfo = text.contains("@")
        let hasQuery = text.contains("?")
        let shown =
            switch (hasUserInfo, hasQuery) {
            case (false, false): text
            case (true, false): "…@\(text.split(separator: "@", omittingEmptySubsequences: false).last ?? "")"
            case (false, true): "\(text.prefix { $0 != "?" })?…"
            case (true, true): "…"
            }
        var reason = reason
        if hasQuery { reason = "'?' is not allowed: a connection string has no parameters" }
        if hasUserInfo {
            reason = "'@' is not allowed in front of a host: give user and password as a credential of the client"
        }
        return ZooKeeperError(
            .invalidInput, message: "connection string '\(shown)': \(reason); expected HOST:PORT,…[/CHROOT]")
    }
}

extension ConnectionString {
    private static let defaultPort = 2181

    private init(servers: [Server], chroot: String) {
        self.servers = servers
        self.chroot = chroot
    }

    static func parse(_ text: String) throws(ConnectionStringProblem) -> ConnectionString {
        if text.contains("?") { throw ConnectionStringProblem(reason: "'?' is not allowed") }
        var servers: [Server] = []
        var paths: [Substring?] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingSpaces
            let slash = part.firstIndex(of: "/")
            let address = part[..<(slash ?? part.endIndex)]
            if let slash, address.last == ":", part[slash...].hasPrefix("//") {
                throw ConnectionStringProblem(
                    reason: "'\(address)//' is not allowed: a connection string has no scheme")
            }
            servers.append(try server(address))
            paths.append(slash.map { part[$0...] })
        }
        return ConnectionString(servers: servers, chroot: try chroot(paths))
    }

    /// - Parameter paths: The path behind each server; `nil` for none.
    private static func chroot(
        _ paths: [Substring?]
    ) throws(ConnectionStringProblem) -> String {
        let given = paths.compactMap { $0 }
        guard let last = given.last else { return "" }
        guard given.count == paths.count || given.count == 1 && paths.last != .some(nil) else {
            throw ConnectionStringProblem(
                reason: "the chroot stands behind some servers only: write it behind the last one, or behind each")
        }
        let chroot = last.withoutLastSlash
        if let other = given.first(where: { $0.withoutLastSlash != chroot }) {
            throw ConnectionStringProblem(
                reason: "the servers have the different chroots '\(other)' and '\(last)': a client has one chroot")
        }
        guard !chroot.isEmpty else { return "" }
        do throws(ZooKeeperError) {
            try ZnodePath.validate(String(chroot))
        } catch {
            throw ConnectionStringProblem(reason: "the chroot '\(chroot)' is not valid: \(error.message)")
        }
        return String(chroot)
    }

    private static func server(_ address: Substring) throws(ConnectionStringProblem) -> Server {
        func refuse(_ reason: String) -> ConnectionStringProblem { ConnectionStringProblem(reason: reason) }
        if address.contains("@") { throw refuse("'@' is not allowed in front of a host") }
        if let separator = address.first(where: { $0 == ";" || $0.isWhitespace }) {
            throw refuse("'\(separator)' is not allowed: commas separate the servers")
        }
        var host = address
        var port: Substring?
        if address.first == "[" {
            guard let end = address.firstIndex(of: "]") else { throw refuse("'[' without ']'") }
            host = address[address.index(after: address.startIndex)..<end]
            let rest = address[address.index(after: end)...]
            guard rest.isEmpty || rest.first == ":" else { throw refuse("'\(rest)' after ']'") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = address.firstIndex(of: ":") {
            host = address[..<colon]
            port = address[address.index(after: colon)...]
            if port?.contains(":") == true { throw refuse("an IPv6 address needs brackets: '[\(address)]'") }
        }
        guard !host.isEmpty else { throw refuse("a server without a host") }
        guard let port else { return Server(host: String(host), port: defaultPort) }
        guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(port),
            (1...65535).contains(number)
        else { throw refuse("'\(port)' is not a port from 1 to 65535") }
        return Server(host: String(host), port: number)
    }
}

extension Substring {
    fileprivate var withoutLastSlash: Substring { last == "/" ? dropLast() : self }

    fileprivate var trimmingSpaces: Substring {
        var trimmed = drop { $0 == " " }
        while trimmed.last == " " { trimmed.removeLast() }
        return trimmed
    }
}
