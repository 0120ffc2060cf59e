extension ClusterConfiguration {
    /// Certificates or a private key in PEM. Printing it shows a file's path, and nothing of its contents.
    public enum PEM: Sendable, Hashable {
        case bytes([UInt8])
        /// The path of a file, which is read again while a client runs: at most once a minute, and at once after the
        /// server refused the client or the client the server.
        case file(String)
    }

    /// A certificate with its private key.
    public struct ClientCertificate: Sendable, Hashable {
        /// The certificate, followed by those that lead to its authority.
        public var chain: PEM
        /// PKCS#1, SEC1 or PKCS#8, without a passphrase.
        public var privateKey: PEM

        public init(chain: PEM, privateKey: PEM) {
            self.chain = chain
            self.privateKey = privateKey
        }
    }
}

extension ClusterConfiguration.PEM: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        switch self {
        case .bytes: "<redacted>"
        case .file(let path): path
        }
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ClusterConfiguration.PEM {
    var isFile: Bool { if case .file = self { true } else { false } }

    /// - Parameter what: what it is, for the error: "the client key".
    /// - Throws: `KubernetesError` with `configuration`, which names the file and says why it cannot be read.
    func contents(_ what: String) throws(KubernetesError) -> [UInt8] {
        switch self {
        case .bytes(let bytes): bytes
        case .file(let path): try Kubernetes.contents(ofFile: path, what)
        }
    }
}
