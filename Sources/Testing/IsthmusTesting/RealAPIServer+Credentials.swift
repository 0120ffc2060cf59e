internal import Foundation

extension RealAPIServer {
    /// The keys, certificates and tokens of one API server; all are files in its temporary folder.
    struct Credentials: Sendable {
        let authority: String
        let serverCertificate: String
        let serverKey: String
        let clientCertificate: String
        let clientKey: String
        /// Of the kube-apiserver as the client of a server that it forwards requests to.
        let proxyCertificate: String
        let proxyKey: String
        let serviceAccountKey: String
        let serviceAccountPublicKey: String
        let tokens: String

        static func make(in folder: TemporaryFolder, openssl: String) async throws -> Credentials {
            let maker = CertificateMaker(folder: folder, openssl: openssl)
            try await maker.makeAuthority()
            try await maker.makeCertificate(
                "server", subject: "/CN=kube-apiserver", usage: "serverAuth",
                names: "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")
            try await maker.makeCertificate("client", subject: "/O=system:masters/CN=certificate", usage: "clientAuth")
            try await maker.makeCertificate("front-proxy", subject: "/CN=front-proxy", usage: "clientAuth")
            try await maker.makeKeyPair("service-account")
            let tokens = """
                \(token(of: .admin)),admin,1,"system:masters"
                \(token(of: .nobody)),nobody,2
                """
            return Credentials(
                authority: folder.path(of: "ca.crt"), serverCertificate: folder.path(of: "server.crt"),
                serverKey: folder.path(of: "server.key"), clientCertificate: folder.path(of: "client.crt"),
                clientKey: folder.path(of: "client.key"), proxyCertificate: folder.path(of: "front-proxy.crt"),
                proxyKey: folder.path(of: "front-proxy.key"), serviceAccountKey: folder.path(of: "service-account.key"),
                serviceAccountPublicKey: folder.path(of: "service-account.pub"),
                tokens: try folder.write(tokens, to: "tokens.csv"))
        }

        /// A kubeconfig with the authority inline and the client certificate as files, so that both forms are used.
        func kubeconfig(port: Int) throws -> String {
            let authorityData = try Data(contentsOf: URL(fileURLWithPath: authority)).base64EncodedString()
            let contexts = User.allCases.map {
                "- {name: \($0.rawValue), context: {cluster: test, user: \($0.rawValue)}}"
            }
            return """
                apiVersion: v1
                kind: Config
                current-context: admin
                clusters:
                - name: test
                  cluster:
                    server: https://127.0.0.1:\(port)
                    certificate-authority-data: \(authorityData)
                contexts:
                \(contexts.joined(separator: "\n"))
                users:
                - {name: admin, user: {token: \(Self.token(of: .admin))}}
                - {name: nobody, user: {token: \(Self.token(of: .nobody))}}
                - name: certificate
                  user:
                    client-certificate: \(clientCertificate)
                    client-key: \(clientKey)

                """
        }

        private static func token(of user: User) -> String {
            "token-of-\(user.rawValue)"
        }
    }
}

/// Makes what the API server needs with the `openssl` command; elliptic keys, since they take milliseconds.
private struct CertificateMaker {
    let folder: TemporaryFolder
    let openssl: String

    func makeAuthority() async throws {
        try await request(
            "ca", subject: "/CN=test authority",
            [
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign",
            ])
    }

    func makeCertificate(_ name: String, subject: String, usage: String, names: String? = nil) async throws {
        try await request(
            name, subject: subject,
            [
                "-CA", folder.path(of: "ca.crt"), "-CAkey", folder.path(of: "ca.key"),
                "-addext", "basicConstraints=critical,CA:false", "-addext", "extendedKeyUsage=\(usage)",
            ] + (names.map { ["-addext", "subjectAltName=\($0)"] } ?? []))
    }

    func makeKeyPair(_ name: String) async throws {
        let (key, publicKey) = (folder.path(of: "\(name).key"), folder.path(of: "\(name).pub"))
        try await run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        try await run(["pkey", "-in", key, "-pubout", "-out", publicKey])
    }

    private func request(_ name: String, subject: String, _ extensions: [String]) async throws {
        try await run(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", subject, "-keyout", folder.path(of: "\(name).key"), "-out", folder.path(of: "\(name).crt"),
            ] + extensions)
    }

    private func run(_ arguments: [String]) async throws {
        try await ChildProcess.outputOfRunning(openssl, arguments)
    }
}
