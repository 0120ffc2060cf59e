internal import NIOSSL

/// How servers are trusted, and how a client shows who it is.
package struct TLSOptions: Sendable, Hashable {
    /// A client's certificate and its key, in PEM without a passphrase.
    package struct Identity: Sendable, Hashable {
        package var certificateFile: String
        package var keyFile: String

        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// The trusted authorities, in PEM; `nil` for those of the system.
    package var authorityFile: String?
    package var identity: Identity?
    /// The name that the server's certificate must have; `nil` for the host of the connection.
    package var serverName: String?
    /// Whether the certificate must name the server. The authority is always verified.
    package var verifiesHostName: Bool

    package init(
        authorityFile: String? = nil, identity: Identity? = nil, serverName: String? = nil,
        verifiesHostName: Bool = true
    ) {
        self.authorityFile = authorityFile
        self.identity = identity
        self.serverName = serverName
        self.verifiesHostName = verifiesHostName
    }

    /// Reads the files once, so that a wrong one is told of at the start; blocks the thread.
    ///
    /// - Throws: `HTTPFailure` with `configuration`.
    package func validate() throws(HTTPFailure) {
        let configuration = try makeConfiguration()
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPFailure(
                .configuration,
                "TLS can't be set up; does the client key belong to the client certificate? (\(error))", cause: error)
        }
    }

    /// Reads the files; blocks the thread.
    func makeConfiguration() throws(HTTPFailure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = verifiesHostName ? .fullVerification : .noHostnameVerification
        if let authorityFile {
            configuration.trustRoots = .certificates(try certificates(authorityFile, "the certificate authority"))
        }
        if let identity {
            let chain = try certificates(identity.certificateFile, "the client certificate")
            configuration.certificateChain = chain.map { .certificate($0) }
            // Without a callback, BoringSSL would ask the terminal for the passphrase of an encrypted key.
            let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { setter in setter([]) }
            do {
                configuration.privateKey = .privateKey(
                    try NIOSSLPrivateKey(file: identity.keyFile, format: .pem, passphraseCallback: noPassphrase))
            } catch {
                throw HTTPFailure(
                    .configuration,
                    "the client key in \(identity.keyFile) is missing, is no private key in PEM, or has a passphrase",
                    cause: error)
            }
        }
        return configuration
    }

    private func certificates(_ file: String, _ what: String) throws(HTTPFailure) -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMFile(file)
        guard let certificates, !certificates.isEmpty else {
            throw HTTPFailure(.configuration, "\(what) in \(file) is missing or holds no certificate in PEM")
        }
        return certificates
    }
}
