internal import Logging
internal import NIOPosix
internal import NIOSSL
internal import Settings
internal import Synchronization

/// The files of a server's certificate and its key, in PEM.
package struct CertificateFiles: Sendable, Hashable {
    package var certificateFile: String
    package var keyFile: String

    package init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}

/// The certificate of a server, read again when its files change. Connections that stand keep theirs.
final class ServerCertificates: Sendable {
    /// How often the files are looked at.
    private static let interval = Duration.seconds(10)

    private struct Material: Hashable {
        var certificate: [UInt8]
        var key: [UInt8]
    }

    private let files: CertificateFiles
    private let current: Mutex<(material: Material, context: NIOSSLContext)>

    /// Reads the files; blocks the thread.
    /// - Throws: `ConfigurationError` where they can't be used.
    init(_ files: CertificateFiles) throws {
        self.files = files
        let material = try Self.read(files)
        current = Mutex((material, try Self.context(material, files)))
    }

    var context: NIOSSLContext { current.withLock { $0.context } }

    /// Looks at the files until the task is cancelled. What can't be used is logged, and the last certificate stays.
    func follow(logger: Logger) async {
        var reported: String?
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            do {
                if try await NIOThreadPool.singleton.runIfActive({ try self.readAgain() }) {
                    logger.info("certificate read again", metadata: ["file": "\(files.certificateFile)"])
                }
                reported = nil
            } catch {
                if Task.isCancelled { return }
                let reason = "\(error)"
                if reported != reason {
                    logger.error("certificate not read again: the last one stays", metadata: ["reason": "\(reason)"])
                }
                reported = reason
            }
        }
    }

    /// - Returns: Whether the certificate is another one now.
    func readAgain() throws -> Bool {
        let material = try Self.read(files)
        if current.withLock({ $0.material == material }) { return false }
        let context = try Self.context(material, files)
        current.withLock { $0 = (material, context) }
        return true
    }

    private static func read(_ files: CertificateFiles) throws -> Material {
        Material(
            certificate: Array(try ConfigurationFile.text(of: files.certificateFile).utf8),
            key: Array(try ConfigurationFile.text(of: files.keyFile).utf8))
    }

    private static func context(_ material: Material, _ files: CertificateFiles) throws -> NIOSSLContext {
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(material.certificate), !chain.isEmpty else {
            throw ConfigurationError(place: files.certificateFile, message: "it holds no certificate in PEM")
        }
        // Without a callback, BoringSSL would ask the terminal for the passphrase of an encrypted key.
        let noPassphrase: NIOSSLPassphraseCallback<[UInt8]> = { setter in setter([]) }
        guard let key = try? NIOSSLPrivateKey(bytes: material.key, format: .pem, passphraseCallback: noPassphrase)
        else {
            throw ConfigurationError(
                place: files.keyFile, message: "it holds no private key in PEM, or one with a passphrase")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["h2"]
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ConfigurationError(
                place: files.keyFile, message: "TLS can't be set up; does the key belong to the certificate? (\(error))"
            )
        }
    }
}
