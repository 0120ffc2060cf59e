extension ClusterConfiguration {
    /// A source of certificates or of a private key, in PEM (RFC 7468). A later version may add sources.
    ///
    /// Printing it shows a file's path, and never any contents.
    public struct PEM: Sendable, Hashable {
        enum Source: Sendable, Hashable {
            case bytes([UInt8])
            case file(String)
        }

        let source: Source

        /// These bytes, which never change.
        public static func bytes(_ bytes: [UInt8]) -> Self { Self(source: .bytes(bytes)) }

        /// The content of a file. A client reads it again at most once a minute, and at once after the server refused
        /// the client or the client refused the server.
        ///
        /// - Parameter path: the file's path.
        public static func file(_ path: String) -> Self { Self(source: .file(path)) }
    }

    /// A certificate with its private key.
    public struct ClientCertificate: Sendable, Hashable {
        /// The certificate, followed by the intermediate certificates up to its authority.
        public var chain: PEM
        /// The private key: PKCS#1, SEC1 or PKCS#8, without a passphrase.
        public var privateKey: PEM

        public init(chain: PEM, privateKey: PEM) {
            self.chain = chain
            self.privateKey = privateKey
        }
    }
}

extension ClusterConfiguration.PEM: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        switch source {
        case .bytes: "<redacted>"
        case .file(let path): path
        }
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ClusterConfiguration.PEM {
    var isFile: Bool { if case .file = source { true } else { false } }

    /// Reads the contents.
    ///
    /// - Parameter what: the contents' name in an error, such as "the client key".
    /// - Throws: `KubernetesError` with `configuration`. The message names the file and says why it cannot be read.
    func contents(_ what: String) throws(KubernetesError) -> [UInt8] {
        switch source {
        case .bytes(let bytes): bytes
        case .file(let path): try Kubernetes.contents(ofFile: path, what)
        }
    }
}
