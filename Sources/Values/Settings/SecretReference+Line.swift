extension SecretReference {
    /// Reads the first line of the secret. Editors end a file with a line break, which no secret has.
    /// - Returns: `nil` where no secret is configured, or the environment variable is not set.
    package func line() throws(ConfigurationError) -> String? {
        try text().map { String($0.drop { $0.isNewline }.prefix { !$0.isNewline }) }
    }

    /// Reads the secret at the start, so that a missing one is told of there.
    package func secret(_ section: ConfigurationSection, _ key: String) throws(ConfigurationError) -> String {
        guard let secret = try line() else {
            throw section.failure(key, "there is no environment variable '\(place)'")
        }
        if secret.isEmpty { throw section.failure(key, "'\(place)' is empty") }
        return secret
    }
}
