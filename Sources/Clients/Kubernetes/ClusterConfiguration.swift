/// Where an API server is, how to trust it, and who the client is.
///
/// Printing one shows no secret.
public struct ClusterConfiguration: Sendable {
    /// `https://host[:port][/prefix]`; `http://` is for local proxies, and sends any token in the clear.
    public var server: String
    /// Certificates to trust in place of the system's; `nil` trusts the system's.
    public var certificateAuthority: PEM?
    /// What the client proves itself with in the TLS handshake.
    public var clientCertificate: ClientCertificate?
    /// What the client proves itself with in each request.
    public var token: Token?
    /// A program that says what the client proves itself with; not together with a token or a client certificate.
    public var credentialPlugin: CredentialPlugin?
    /// Whom the client acts as; `nil` for itself.
    public var impersonation: Impersonation?
    /// The host name to ask for and to verify in the handshake, in place of the server's. A certificate for the
    /// server's address is taken as well.
    public var tlsServerName: String?
    /// Takes any certificate: for experiments only.
    public var insecureSkipTLSVerify: Bool
    /// The namespace that the kubeconfig's context, or the pod's service account, names; `default` without one.
    public var namespace: String

    public init(
        server: String, certificateAuthority: PEM? = nil, clientCertificate: ClientCertificate? = nil,
        token: Token? = nil, credentialPlugin: CredentialPlugin? = nil, impersonation: Impersonation? = nil,
        tlsServerName: String? = nil, insecureSkipTLSVerify: Bool = false,
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
        self.namespace = namespace
    }

    /// A bearer token.
    public enum Token: Sendable {
        case fixed(Secret)
        /// The path of a file that is read again each minute, since such tokens are rotated.
        case file(String)
    }
}

extension ClusterConfiguration: CustomStringConvertible {
    public var description: String {
        var parts = [server, "namespace \(namespace)"]
        if let tlsServerName { parts.append("as \(tlsServerName)") }
        if certificateAuthority != nil { parts.append("its own certificate authority") }
        if clientCertificate != nil { parts.append("client certificate") }
        switch token {
        case .fixed: parts.append("token")
        case .file(let path): parts.append("token from \(path)")
        case nil: break
        }
        if let credentialPlugin { parts.append("credentials from \(credentialPlugin.command)") }
        if let impersonation { parts.append("acting as \(impersonation.user)") }
        if insecureSkipTLSVerify { parts.append("TLS not verified") }
        return parts.joined(separator: ", ")
    }
}

extension ClusterConfiguration {
    /// The configuration that fits where the process runs: the kubeconfig at `kubeconfig` when given; else the pod's
    /// service account when the environment names an API server; else the default kubeconfig.
    ///
    /// - Parameter context: the kubeconfig's context; `nil` takes its `current-context`. A context asks for a
    ///   kubeconfig, even in a pod.
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
