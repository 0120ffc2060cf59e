internal import NIOSSL

/// The certificates of one moment: whom to trust and what to show.
struct TLSMaterial: Sendable, Hashable {
    /// PEM; `nil` trusts the system's authorities.
    var authority: [UInt8]?
    var client: Client?

    /// A certificate and its key, both PEM.
    struct Client: Sendable, Hashable {
        var chain: [UInt8]
        var key: Secret
    }
}

extension TLSMaterial {
    /// Reads what the configuration holds or names.
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
            // Replaces the system's: who names an authority trusts no other.
            tls.trustRoots = .certificates(try Self.certificates(authority, "the cluster's certificate authority"))
        }
        if let client {
            let chain = try Self.certificates(client.chain, "the client certificate")
            tls.certificateChain = chain.map { .certificate($0) }
            do {
                // BoringSSL takes PKCS#1, SEC1 and PKCS#8 alike.
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(client.key.value.utf8), format: .pem))
            } catch {
                throw KubernetesError(
                    code: .configuration,
                    message:
                        "the client key is not a private key in PEM, or it has a passphrase, which is not supported")
            }
        }
        do {
            _ = try NIOSSLContext(configuration: tls)
        } catch {
            throw KubernetesError(
                code: .configuration,
                message: "TLS cannot be set up; does the client key belong to the client certificate? (\(error))")
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
