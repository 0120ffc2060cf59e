import Foundation
import IsthmusTesting
import NIOSSL
import Subprocess

/// Certificates of a test authority, made by `openssl`.
struct TestCertificates {
    let folder: String

    struct Pair {
        var certificate: String
        var key: String
    }

    /// Makes an authority.
    func makeAuthority(_ name: String) async throws -> Pair {
        try await make(
            name,
            [
                "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign",
            ])
    }

    /// Makes a certificate for servers and clients alike.
    ///
    /// - Parameter subject: whom it is for, in the words of OpenSSL's `subjectAltName`.
    func make(_ name: String, for subject: String = "IP:127.0.0.1", by authority: Pair) async throws -> Pair {
        try await make(
            name,
            [
                "-CA", "\(folder)/\(authority.certificate)", "-CAkey", "\(folder)/\(authority.key)",
                "-addext", "basicConstraints=critical,CA:false", "-addext", "subjectAltName=\(subject)",
            ])
    }

    private func make(_ name: String, _ rest: [String]) async throws -> Pair {
        let pair = Pair(certificate: "\(name).crt", key: "\(name).key")
        // Like the credential plug-ins of other tests. What starts processes otherwise may hold a lock of glibc's (2.41
        // and later) in the moment in which Subprocess forks, and then its child waits for ever.
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: Arguments(
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=\(name)", "-keyout", "\(folder)/\(pair.key)", "-out", "\(folder)/\(pair.certificate)",
                ] + rest), output: .discarded, error: .string(limit: 1 << 16))
        guard result.terminationStatus.isSuccess else {
            throw TestSupportError("openssl failed: \(result.standardError)")
        }
        return pair
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: URL(filePath: "\(folder)/\(name)"), encoding: .utf8)
    }

    /// Replaces one file's contents by another's, atomically.
    func replace(_ name: String, by other: String) throws {
        try Data(text(other).utf8).write(to: URL(filePath: "\(folder)/\(name)"), options: .atomic)
    }

    func serialNumber(_ pair: Pair) throws -> [UInt8] {
        try NIOSSLCertificate.fromPEMFile("\(folder)/\(pair.certificate)")[0].serialNumber
    }

    /// The TLS context of a server. It asks clients for a certificate and accepts any.
    func context(_ pair: Pair) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/\(pair.certificate)").map {
                .certificate($0)
            },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/\(pair.key)", format: .pem)))
        configuration.certificateVerification = .optionalVerification
        return try NIOSSLContext(configuration: configuration)
    }
}
