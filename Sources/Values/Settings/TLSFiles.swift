/// The files and names of a TLS connection, from a section of the configuration.
package struct TLSFiles: Sendable, Hashable {
    /// The client certificate of the bridge, and its key.
    package struct Identity: Sendable, Hashable {
        package var certificateFile: String
        package var keyFile: String
    }

    /// The file of the trusted authorities, in PEM; `nil` for those of the system.
    package var authorityFile: String?
    package var identity: Identity?
    /// The name that the server's certificate must have; `nil` for the host of the connection.
    package var serverName: String?
    package var verifiesHostName = true

    /// The keys of such a section.
    package static let keys: [ConfigurationKey] = [
        ConfigurationKey("caFile", .text, "the trusted authorities, in PEM", standard: "those of the system"),
        ConfigurationKey("certificateFile", .text, "the client certificate of the bridge, in PEM"),
        ConfigurationKey("keyFile", .text, "the key of the client certificate, in PEM, without a passphrase"),
        ConfigurationKey(
            "serverName", .text, "the name that the server's certificate must have", standard: "that of `servers`"),
        ConfigurationKey(
            "verifyHostName", .choice(["on", "off"]),
            "whether the certificate must name the server; the authority is always verified",
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
