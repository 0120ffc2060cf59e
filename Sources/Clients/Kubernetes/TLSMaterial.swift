internal import NIOSSL

/// The certificates at one moment: the authorities to trust, and the client's own certificate.
struct TLSMaterial: Sendable, Hashable {
    /// The authorities to trust, in PEM; `nil` trusts the system's authorities.
    var authority: [UInt8]?
    var client: Client?

    /// A certificate and its private key, both in PEM.
    struct Client: Sendable, Hashable {
        var chain: [UInt8]
        var key: Secret
    }
}

extension TLSMaterial {
    /// Reads the certificates that the configuration holds or names.
    ///
    /// - Throws: `KubernetesError` with `configuration` for a file that cannot be read.
    init(of configuration: ClusterConfiguration) throws(KubernetesError) {
        authority = try configuration.certificateAuthority?.contents("the cluster's certificate authority")
        if let certificate = configuration.clientCertificate {
            let key = try certificate.privateKey.contents("the client key")
            client = Client(
                chain: try certificate.chain.contents("the client certificate"),
                key: Secret(String(decoding: key, as: UTF8.self)))
        }
    }

    /// - Throws: `KubernetesError` with `configuration` for a certificate or key that cannot be used.
    func tlsConfiguration(isInsecure: Bool) throws(KubernetesError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.certificateVerification = isInsecure ? .none : .fullVerification
        if let authority {
            // A configuration that names an authority trusts no other.
            tls.trustRoots = .certificates(try Self.certificates(authority, "the cluster's certificate authority"))
        }
        if let client {
            let chain = try Self.certificates(client.chain, "the client certificate")
            tls.certificateChain = chain.map { .certificate($0) }
            do {
                // BoringSSL reads PKCS#1, SEC1 and PKCS#8.
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(client.key.value.utf8), format: .pem))
            } catch {
                throw KubernetesError(
                    code: .configuration,
                    message:
                        "the client key is not a private key in PEM, or it has a passphrase, which is not supported",
                    cause: error)
            }
        }
        do {
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw KubernetesError(
                code: .configuration,
                message: "TLS cannot be set up; check that the client key belongs to the client certificate",
                cause: error)
        }
        return tls
    }

    private static func certificates(_ pem: [UInt8], _ what: String) throws(KubernetesError) -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMBytes(pem)
        guard let certificates, !certificates.isEmpty else {
            throw KubernetesError(code: .configuration, message: "\(what) holds no certificate in PEM")
        }
        return certificates
    }
}
