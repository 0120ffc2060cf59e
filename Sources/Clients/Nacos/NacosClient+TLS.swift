internal import NIOCore
internal import NIOSSL

extension NacosClient.TLS {
    /// Reads the files once, so that a wrong one is told of at the start; blocks the thread.
    package func validate() throws(NacosError) { _ = try makeContext() }

    /// Reads the files; blocks the thread.
    func makeConfiguration() throws(NacosError) -> TLSConfiguration {
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
                throw NacosError(
                    .configuration,
                    "the client key in \(identity.keyFile) is missing, is no private key in PEM, or has a passphrase",
                    cause: error)
            }
        }
        return configuration
    }

    /// The context of gRPC connections; blocks the thread.
    func makeContext() throws(NacosError) -> NIOSSLContext {
        var configuration = try makeConfiguration()
        configuration.applicationProtocols = ["h2"]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw NacosError(
                .configuration,
                "TLS can't be set up; does the client key belong to the client certificate? (\(error))", cause: error)
        }
    }

    /// The name for SNI and verification; `nil` for an address. The address of the peer is verified then.
    func name(for host: String) -> String? {
        if let serverName { return serverName }
        return (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private func certificates(_ file: String, _ what: String) throws(NacosError) -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMFile(file)
        guard let certificates, !certificates.isEmpty else {
            throw NacosError(.configuration, "\(what) in \(file) is missing or holds no certificate in PEM")
        }
        return certificates
    }
}
