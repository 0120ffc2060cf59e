internal import NIOCore
internal import NIOSSL

extension EtcdClient.TLS {
    /// Reads the files once, so that a wrong one is told of at the start; blocks the thread.
    package func validate() throws(EtcdError) { _ = try makeContext() }

    /// Reads the files; blocks the thread.
    func makeContext() throws(EtcdError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = verifiesHostName ? .fullVerification : .noHostnameVerification
        configuration.applicationProtocols = ["h2"]
        if let authorityFile {
            configuration.trustRoots = .certificates(try certificates(authorityFile, "the certificate authority"))
        }
        if let certificateFile, let keyFile {
            configuration.certificateChain = try certificates(certificateFile, "the client certificate")
                .map { .certificate($0) }
            // Without a callback, BoringSSL would ask the terminal for the passphrase of an encrypted key.
            let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { setter in setter([]) }
            let key = try? NIOSSLPrivateKey(file: keyFile, format: .pem, passphraseCallback: noPassphrase)
            guard let key else {
                throw EtcdError(
                    .configuration,
                    "the client key in \(keyFile) is missing, is no private key in PEM, or has a passphrase")
            }
            configuration.privateKey = .privateKey(key)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw EtcdError(
                .configuration,
                "TLS can't be set up; does the client key belong to the client certificate? (\(error))")
        }
    }

    /// The name for SNI and verification; `nil` for an address. The address of the peer is verified then.
    func name(for host: String) -> String? {
        if let serverName { return serverName }
        return (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private func certificates(_ file: String, _ what: String) throws(EtcdError) -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMFile(file)
        guard let certificates, !certificates.isEmpty else {
            throw EtcdError(.configuration, "\(what) in \(file) is missing or holds no certificate in PEM")
        }
        return certificates
    }
}
