internal import Addressing
internal import NIOPosix
package import Settings

extension BridgeConfiguration {
    /// The admin endpoint: its address, and the token that a release needs.
    package struct Admin: Sendable, Hashable {
        package var host: String
        package var port: Int
        /// The place of the token that a release needs. Without one, no release is possible. The token may rotate.
        package var token: SecretReference

        package init(host: String = "127.0.0.1", port: Int = 8080, token: SecretReference = .none) {
            self.host = host
            self.port = port
            self.token = token
        }

        /// Reads the flag `--admin`: `HOST:PORT`, `PORT` or `:PORT`. The token comes from the environment.
        /// - Throws: `ConfigurationError`.
        package init(flag text: String) throws(ConfigurationError) {
            self.init(token: .environment(Self.tokenVariable))
            if let problem = listen(on: text) { throw ConfigurationError(place: "--admin", message: problem) }
        }

        /// The environment variable of the token, where no file names another.
        package static let tokenVariable = "ISTHMUS_ADMIN_TOKEN"

        /// `HOST:PORT`, with IPv6 in brackets.
        package var address: String { "\(HostPort(host: host, port: port))" }

        /// - Parameter text: `HOST:PORT`; a port alone is on the loopback, and `:PORT` is on every address.
        /// - Returns: What is wrong with the text; `nil` where it was read.
        private mutating func listen(on text: String) -> String? {
            let isPort = !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isNumber }
            let full = isPort ? "127.0.0.1:\(text)" : text.hasPrefix(":") ? "0.0.0.0\(text)" : text
            guard let place = HostPort(full) else {
                return
                    "must be HOST:PORT such as 127.0.0.1:8080, with IPv6 in brackets, PORT or :PORT, and is '\(text)'"
            }
            (host, port) = (place.host, place.port)
            return nil
        }

        /// Reads the section `admin` of a file. `nil` where the file has none.
        init?(_ reader: ConfigurationSection) throws(ConfigurationError) {
            guard let section = try reader.mapping("admin") else { return nil }
            self.init()
            if let text = try section.string("listen"), let problem = listen(on: text) {
                throw section.failure("listen", problem)
            }
            token = try SecretReference(section, "token")
        }
    }

    /// Reads only the admin endpoint of a configuration file. The clusters that the file names need not exist.
    ///
    /// - Returns: `nil` where the bridge has no admin endpoint.
    /// - Throws: `ConfigurationError`.
    package static func admin(file: String, kinds: Kinds = .standard) throws(ConfigurationError) -> Admin? {
        let root = try ConfigurationSection(try ConfigurationFile.text(of: file), file: file)
        try root.check(schema(kinds))
        return try Admin(root)
    }
}

extension SecretReference {
    /// Reads the token, without white space around it.
    ///
    /// - Returns: `nil` when none is configured.
    /// - Throws: `ConfigurationError` where the place has no token.
    package func token() async throws -> String? {
        if self == .none { return nil }
        // Reading a file blocks the thread, and the disk may be slow.
        let text = try await NIOThreadPool.singleton.runIfActive { try self.text() }
        let token = (text ?? "").drop(while: \.isWhitespace)
        guard let end = token.lastIndex(where: { !$0.isWhitespace }) else {
            throw ConfigurationError(
                place: isVariable ? "environment variable \(place)" : place,
                message: "it has no token: it is \(text == nil ? "not set" : "empty")")
        }
        return String(token[...end])
    }
}
