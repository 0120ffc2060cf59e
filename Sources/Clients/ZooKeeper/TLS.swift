internal import NIOCore
internal import NIOSSL

/// TLS to the secure client ports of an ensemble (`secureClientPort`), 1.2 or later.
///
/// Files are read for every connection, so certificates that rotate need no restart. The server's certificate is always
/// verified; there is no way to turn that off.
public struct TLS: Sendable {
    /// One or more items in PEM.
    public enum PEM: Sendable {
        /// The path of a file.
        case file(String)
        case bytes([UInt8])
    }

    /// What the client shows a server that asks for a certificate, as ZooKeeper does unless `ssl.clientAuth` says
    /// otherwise.
    public struct Identity: Sendable {
        /// The client's certificate, followed by those between it and the authority.
        public var certificateChain: PEM
        /// PKCS#1, SEC1 or PKCS#8, without a passphrase.
        public var privateKey: PEM

        public init(certificateChain: PEM, privateKey: PEM) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
        }
    }

    /// The authorities that are trusted, in place of the system's; `nil` for the system's.
    public var certificateAuthority: PEM?
    /// `nil` for a client that has none to show.
    public var identity: Identity?
    /// Whether the certificate must name the server that was connected to. Default `true`; without, any certificate of
    /// the authority will do.
    public var verifiesHostName = true
    /// The name to ask for (SNI) and to verify, in place of the host in the connection string.
    public var serverName: String?

    public init(certificateAuthority: PEM? = nil, identity: Identity? = nil) {
        self.certificateAuthority = certificateAuthority
        self.identity = identity
    }

    /// Reads every file and checks that certificates and key belong together, without connecting.
    ///
    /// - Throws: `ZooKeeperError` with code `invalidInput` that names the file and what is wrong with it.
    public func validate() throws(ZooKeeperError) {
        _ = try makeContext()
    }
}

// MARK: - The connection's context

extension TLS {
    /// Blocks on files.
    func makeContext() throws(ZooKeeperError) -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.minimumTLSVersion = .tlsv12
        settings.certificateVerification = verifiesHostName ? .fullVerification : .noHostnameVerification
        if let certificateAuthority {
            settings.trustRoots = .certificates(try certificateAuthority.certificates("the certificate authority"))
        }
        if let identity {
            let chain = try identity.certificateChain.certificates("the client certificate")
            settings.certificateChain = chain.map { .certificate($0) }
            settings.privateKey = .privateKey(try identity.privateKey.privateKey("the client key"))
        }
        do {
            return try NIOSSLContext(configuration: settings)
        } catch {
            throw ZooKeeperError(
                .invalidInput,
                message: "TLS can't be set up; does the client key belong to the client certificate? (\(error))")
        }
    }

    /// What to ask a server for; `nil` for an address, which SNI can't carry and which is verified as the peer's own.
    func name(for server: ConnectionString.Server) -> String? {
        if let serverName { return serverName }
        return (try? SocketAddress(ipAddress: server.host, port: server.port)) == nil ? server.host : nil
    }
}

extension TLS.PEM {
    fileprivate func certificates(_ what: String) throws(ZooKeeperError) -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]?
        switch self {
        case .file(let path): certificates = try? NIOSSLCertificate.fromPEMFile(path)
        case .bytes(let bytes): certificates = try? NIOSSLCertificate.fromPEMBytes(bytes)
        }
        guard let certificates, !certificates.isEmpty else {
            throw ZooKeeperError(.invalidInput, message: "\(what)\(place) is missing or holds no certificate in PEM")
        }
        return certificates
    }

    fileprivate func privateKey(_ what: String) throws(ZooKeeperError) -> NIOSSLPrivateKey {
        // Without this, a key that has a passphrase would ask the terminal for it.
        let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { setter in setter([]) }
        do {
            switch self {
            case .file(let path):
                return try NIOSSLPrivateKey(file: path, format: .pem, passphraseCallback: noPassphrase)
            case .bytes(let bytes):
                return try NIOSSLPrivateKey(bytes: bytes, format: .pem, passphraseCallback: noPassphrase)
            }
        } catch {
            throw ZooKeeperError(
                .invalidInput, message: "\(what)\(place) is missing, is no private key in PEM, or has a passphrase")
        }
    }

    private var place: String {
        if case .file(let path) = self { " in \(path)" } else { "" }
    }
}
