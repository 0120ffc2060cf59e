internal import NIOSSL

extension ClusterConfiguration {
    /// - Throws: `KubernetesError` with `configuration` for a certificate or key that cannot be read.
    func tlsConfiguration() throws(KubernetesError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        tls.certificateVerification = insecureSkipTLSVerify ? .none : .fullVerification
        if let certificateAuthority {
            // Replaces the system's: who names an authority trusts no other.
            tls.trustRoots = .certificates(
                try Self.certificates(certificateAuthority, "the cluster's certificate authority"))
        }
        if let clientCertificate {
            let chain = try Self.certificates(clientCertificate.chain, "the client certificate")
            tls.certificateChain = chain.map { .certificate($0) }
            do {
                // BoringSSL takes PKCS#1, SEC1 and PKCS#8 alike.
                let key = Array(clientCertificate.privateKey.value.utf8)
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
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
