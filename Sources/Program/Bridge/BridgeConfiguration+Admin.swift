internal import NIOPosix
package import Settings

extension BridgeConfiguration {
    /// Where the bridge tells of itself, and what an order needs.
    package struct Admin: Sendable, Hashable {
        package var host: String
        package var port: Int
        /// What must come with a request that changes something; without one nothing can be changed. Never the token itself: it may rotate.
        package var token: SecretReference

        package init(host: String = "127.0.0.1", port: Int = 8080, token: SecretReference = .none) {
            self.host = host
            self.port = port
            self.token = token
        }

        /// What the flag `--admin` says; the token comes from the environment.
        /// - Throws: `ConfigurationError`.
        package init(flag text: String) throws(ConfigurationError) {
            self.init(token: .environment(Self.tokenVariable))
            if let problem = listen(on: text) { throw ConfigurationError(place: "--admin", message: problem) }
        }

        /// Where there is no file to name another.
        package static let tokenVariable = "ISTHMUS_ADMIN_TOKEN"

        /// `HOST:PORT`, with IPv6 in brackets.
        package var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        /// - Returns: What is wrong with the text.
        private mutating func listen(on text: String) -> String? {
            let problem = "must be HOST:PORT such as 127.0.0.1:8080, with IPv6 in brackets, and is '\(text)'"
            guard let colon = text.lastIndex(of: ":") else { return problem }
            let digits = text[text.index(after: colon)...]
            var host = text[..<colon]
            if host.first == "[", host.last == "]" {
                host = host.dropFirst().dropLast()
            } else if host.contains(where: { ":[]".contains($0) }) {
                return problem
            }
            guard !host.isEmpty, let port = UInt16(digits), port > 0 else { return problem }
            self.host = String(host)
            self.port = Int(port)
            return nil
        }

        /// The section `admin` of a file; `nil` when it has none.
        init?(_ reader: ConfigurationSection) throws(ConfigurationError) {
            guard let section = try reader.mapping("admin") else { return nil }
            self.init()
            if let text = try section.string("listen"), let problem = listen(on: text) {
                throw section.failure("listen", problem)
            }
            token = try SecretReference(section, "token")
        }
    }

    /// Reads of a configuration file only where the bridge answers: the clusters that it names need not be at hand.
    ///
    /// - Returns: `nil` when the bridge answers nobody.
    /// - Throws: `ConfigurationError`.
    package static func admin(file: String, kinds: Kinds = .standard) throws(ConfigurationError) -> Admin? {
        let root = try ConfigurationSection(try ConfigurationFile.text(of: file), file: file)
        try root.check(schema(kinds))
        return try Admin(root)
    }
}

extension SecretReference {
    /// The token as it is now, without white space around it.
    ///
    /// - Returns: `nil` when none is configured.
    /// - Throws: `ConfigurationError` when there is none where it should be.
    package func token() async throws -> String? {
        if self == .none { return nil }
        // A file may lie on a slow disk, and blocks whoever reads it.
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
