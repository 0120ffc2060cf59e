/// The files and names of a TLS connection, as a section of the configuration gives them.
package struct TLSFiles: Sendable, Hashable {
    /// The certificate that the bridge shows the server, and its key.
    package struct Identity: Sendable, Hashable {
        package var certificateFile: String
        package var keyFile: String
    }

    /// The authorities that are trusted, in PEM; `nil` for those of the system.
    package var authorityFile: String?
    package var identity: Identity?
    /// The name that the server's certificate has to have; `nil` for the name that was dialled.
    package var serverName: String?
    package var verifiesHostName = true

    /// The keys of such a section.
    package static let keys: [ConfigurationKey] = [
        ConfigurationKey("caFile", .text, "the authorities that are trusted, in PEM", standard: "those of the system"),
        ConfigurationKey("certificateFile", .text, "what the bridge shows the server, in PEM"),
        ConfigurationKey("keyFile", .text, "the key of that, in PEM, without a passphrase"),
        ConfigurationKey(
            "serverName", .text, "the name that the server's certificate has to have", standard: "that of `servers`"),
        ConfigurationKey(
            "verifyHostName", .choice(["on", "off"]),
            "whether the certificate has to name the server; the authority is verified in any case",
            standard: "`on`"),
    ]

    /// - Throws: `ConfigurationError` where a certificate or its key is missing.
    package init(_ section: ConfigurationSection) throws(ConfigurationError) {
        authorityFile = try section.string("caFile")
        switch (try section.string("certificateFile"), try section.string("keyFile")) {
        case (let certificate?, let key?): identity = Identity(certificateFile: certificate, keyFile: key)
        case (nil, nil): break
        case (_?, nil): throw section.failure("certificateFile", "needs its keyFile")
        case (nil, _?): throw section.failure("keyFile", "needs its certificateFile")
        }
        serverName = try section.string("serverName")
        verifiesHostName = section.word("verifyHostName") != "off"
    }
}
