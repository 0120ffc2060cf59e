/// An authority of the test's own, with a certificate for a server and one for a client.
///
/// All are files in PEM, valid for two days, and go with the last reference.
public final class TestCertificates: Sendable {
    private let folder: TemporaryFolder

    public var authority: String { folder.path(of: "ca.crt") }
    public var serverCertificate: String { folder.path(of: "server.crt") }
    public var serverKey: String { folder.path(of: "server.key") }
    public var clientCertificate: String { folder.path(of: "client.crt") }
    public var clientKey: String { folder.path(of: "client.key") }

    /// - Parameter serverNames: what the server's certificate says it is, in the words of OpenSSL's `subjectAltName`.
    /// - Throws: ``TestSupportError`` when `openssl` is missing or fails.
    public static func make(
        serverNames: String = "IP:127.0.0.1,DNS:localhost"
    ) async throws -> TestCertificates {
        let certificates = TestCertificates(folder: try TemporaryFolder(label: "certificates"))
        let openssl = try ServerTools.locate().openssl
        try await certificates.request(
            openssl, "ca", "/CN=test authority",
            ["basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign"])
        for (name, usage) in [("server", "serverAuth"), ("client", "clientAuth")] {
            let names = name == "server" ? ["subjectAltName=\(serverNames)"] : []
            try await certificates.request(
                openssl, name, "/CN=\(name)",
                ["basicConstraints=critical,CA:false", "extendedKeyUsage=\(usage)"] + names, isSigned: true)
        }
        return certificates
    }

    private init(folder: TemporaryFolder) {
        self.folder = folder
    }

    /// Elliptic keys, since they take milliseconds.
    private func request(
        _ openssl: String, _ name: String, _ subject: String, _ extensions: [String], isSigned: Bool = false
    ) async throws {
        let signature = isSigned ? ["-CA", authority, "-CAkey", folder.path(of: "ca.key")] : []
        try await ChildProcess.outputOfRunning(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", subject, "-keyout", folder.path(of: "\(name).key"), "-out", folder.path(of: "\(name).crt"),
            ] + signature + extensions.flatMap { ["-addext", $0] })
    }
}
