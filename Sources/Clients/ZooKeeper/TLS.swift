internal import NIOCore
internal import NIOSSL

/// TLS 1.2 or later to the secure client ports of an ensemble (`secureClientPort`).
///
/// The client reads the files for every connection, so a rotated certificate needs no restart. The client always
/// verifies the chain of the server's certificate.
public struct TLS: Sendable {
    /// One or more items in PEM, in a file or in memory. Its description never contains the bytes.
    public struct PEM: Sendable, CustomStringConvertible, CustomReflectable {
        private enum Source: Sendable {
            case file(String)
            case bytes([UInt8])
        }

        private let source: Source

        /// - Parameter path: The path of a file. The client reads it for every connection.
        public static func file(_ path: String) -> PEM {
            PEM(source: .file(path))
        }

        public static func bytes(_ bytes: [UInt8]) -> PEM {
            PEM(source: .bytes(bytes))
        }

        public var description: String {
            switch source {
            case .file(let path): "PEM in \(path)"
            case .bytes(let bytes): "PEM of \(bytes.count) bytes"
            }
        }

        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// The certificate and the key of the client. A ZooKeeper server asks for them unless its `ssl.clientAuth` says
    /// otherwise.
    public struct Identity: Sendable {
        /// The client's certificate, followed by the intermediate ones.
        public var certificateChain: PEM
        /// A private key in PKCS#1, SEC1 or PKCS#8 without a passphrase.
        public var privateKey: PEM

        public init(certificateChain: PEM, privateKey: PEM) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
        }
    }

    /// The trusted certificate authorities; `nil` for those of the system.
    public var certificateAuthority: PEM?
    /// The client's certificate and key; `nil` for none.
    public var identity: Identity?
    /// Whether the server's certificate must name the host of the connection string, or `serverName`. With `false`, the
    /// client accepts every certificate of the authority. Default `true`.
    public var verifiesHostName = true
    /// The host name to send (SNI) and to verify; `nil` for the host of the connection string.
    public var serverName: String?

    public init(certificateAuthority: PEM? = nil, identity: Identity? = nil) {
        self.certificateAuthority = certificateAuthority
        self.identity = identity
    }

    /// Reads every file and checks that the key belongs to the certificate. It blocks on files and makes no connection.
    ///
    /// - Throws: `ZooKeeperError` with code `invalidInput`. The message names the file and the problem.
    public func validate() throws(ZooKeeperError) {
        _ = try makeContext()
    }
}

// MARK: - The connection's context

extension TLS {
    /// Reads the files; blocks the thread.
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
                message: "TLS can't be set up; does the client key belong to the client certificate?",
                cause: error)
        }
    }

    /// The host name for SNI and verification; `nil` for an address. SNI can't carry an address; NIOSSL verifies the
    /// address of the peer then.
    func name(for server: ConnectionString.Server) -> String? {
        if let serverName { return serverName }
        return (try? SocketAddress(ipAddress: server.host, port: server.port)) == nil ? server.host : nil
    }
}

extension TLS.PEM {
    fileprivate func certificates(_ what: String) throws(ZooKeeperError) -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        do {
            switch source {
            case .file(let path): certificates = try NIOSSLCertificate.fromPEMFile(path)
            case .bytes(let bytes): certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            }
        } catch {
            throw unusable(what, error)
        }
        if certificates.isEmpty { throw unusable(what, nil) }
        return certificates
    }

    private func unusable(_ what: String, _ cause: (any Error)?) -> ZooKeeperError {
        ZooKeeperError(
            .invalidInput, message: "\(what)\(place) is missing or holds no certificate in PEM", cause: cause)
    }

    fileprivate func privateKey(_ what: String) throws(ZooKeeperError) -> NIOSSLPrivateKey {
        // Without a callback, BoringSSL would ask the terminal for the passphrase of an encrypted key.
        let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { setter in setter([]) }
        do {
            switch source {
            case .file(let path):
                return try NIOSSLPrivateKey(file: path, format: .pem, passphraseCallback: noPassphrase)
            case .bytes(let bytes):
                return try NIOSSLPrivateKey(bytes: bytes, format: .pem, passphraseCallback: noPassphrase)
            }
        } catch {
            throw ZooKeeperError(
                .invalidInput, message: "\(what)\(place) is missing, is no private key in PEM, or has a passphrase",
                cause: error)
        }
    }

    private var place: String {
        if case .file(let path) = source { " in \(path)" } else { "" }
    }
}
