/// The address of an API server, whom to trust, and the client's identity.
///
/// Printing a configuration shows no secret.
public struct ClusterConfiguration: Sendable {
    /// The server's URL: `https://host[:port][/prefix]`. `http://` is for local proxies, and sends any token
    /// unencrypted.
    public var server: String
    /// The certificates of the authorities to trust; `nil` trusts the system's authorities.
    public var certificateAuthority: PEM?
    /// The client's certificate for the TLS handshake.
    public var clientCertificate: ClientCertificate?
    /// The bearer token that each request carries.
    public var token: Token?
    /// A program that supplies the credentials. It excludes a token and a client certificate.
    public var credentialPlugin: CredentialPlugin?
    /// The user that the client acts as; `nil` for the client's own user.
    public var impersonation: Impersonation?
    /// The host name that the TLS handshake requests and verifies, in place of the host in ``server``: a name, not an
    /// address. A certificate for the server's address is accepted too.
    public var tlsServerName: String?
    /// Accepts any server certificate. For experiments only.
    public var insecureSkipTLSVerify: Bool
    /// The proxy to the server; `nil` for a direct connection.
    public var proxy: Proxy?
    /// The namespace of the kubeconfig's context or of the pod's service account; `default` where none is named.
    public var namespace: String

    public init(
        server: String, certificateAuthority: PEM? = nil, clientCertificate: ClientCertificate? = nil,
        token: Token? = nil, credentialPlugin: CredentialPlugin? = nil, impersonation: Impersonation? = nil,
        tlsServerName: String? = nil, insecureSkipTLSVerify: Bool = false, proxy: Proxy? = nil,
        namespace: String = "default"
    ) {
        self.server = server
        self.certificateAuthority = certificateAuthority
        self.clientCertificate = clientCertificate
        self.token = token
        self.credentialPlugin = credentialPlugin
        self.impersonation = impersonation
        self.tlsServerName = tlsServerName
        self.insecureSkipTLSVerify = insecureSkipTLSVerify
        self.proxy = proxy
        self.namespace = namespace
    }

    /// A source of the bearer token. A later version may add sources.
    public struct Token: Sendable, Hashable {
        enum Source: Sendable, Hashable {
            case fixed(Secret)
            case file(String)
        }

        let source: Source

        /// This token, which never changes.
        public static func fixed(_ token: Secret) -> Self { Self(source: .fixed(token)) }

        /// The content of a file, without white space around it. The client reads the file again each minute, and after
        /// a 401, since such tokens are rotated.
        ///
        /// - Parameter path: the file's path.
        public static func file(_ path: String) -> Self { Self(source: .file(path)) }
    }
}

extension ClusterConfiguration: CustomStringConvertible {
    public var description: String {
        var parts = [server, "namespace \(namespace)"]
        if let tlsServerName { parts.append("as \(tlsServerName)") }
        if certificateAuthority != nil { parts.append("its own certificate authority") }
        if clientCertificate != nil { parts.append("client certificate") }
        switch token?.source {
        case .fixed: parts.append("token")
        case .file(let path): parts.append("token from \(path)")
        case nil: break
        }
        if let credentialPlugin { parts.append("credentials from \(credentialPlugin.command)") }
        if let impersonation { parts.append("acting as \(impersonation.user)") }
        if let proxy { parts.append("through the proxy \(proxy)") }
        if insecureSkipTLSVerify { parts.append("TLS not verified") }
        return parts.joined(separator: ", ")
    }
}

extension ClusterConfiguration {
    /// Finds the configuration: the kubeconfig that is given, else the pod's service account where the process runs in
    /// a pod, else the default kubeconfig.
    ///
    /// - Parameters:
    ///   - kubeconfig: the path of a kubeconfig; `nil` for the default: `$KUBECONFIG`, else `~/.kube/config`.
    ///   - context: the kubeconfig's context; `nil` takes its `current-context`. With a context the kubeconfig is used
    ///     even in a pod.
    /// - Throws: `KubernetesError` with `configuration`.
    public static func detect(kubeconfig: String?, context: String?) throws(KubernetesError) -> Self {
        try detect(kubeconfig: kubeconfig, context: context, environment: .current)
    }

    static func detect(
        kubeconfig path: String?, context: String?, environment: Environment
    ) throws(KubernetesError) -> Self {
        if path == nil, context == nil, environment[inClusterHostVariable] != nil {
            return try inCluster(environment: environment)
        }
        return try kubeconfig(path: path, context: context, environment: environment)
    }
}
