extension ClusterConfiguration {
    /// Reads a kubeconfig (`v1`, kind `Config`).
    ///
    /// A relative path in a kubeconfig is relative to the folder of that file. A client reads certificates, keys and
    /// tokens in files of their own again while it runs. The unsupported keys `auth-provider`, `username` and
    /// `password` are errors. A cluster without a `proxy-url` takes the proxy of the environment: `HTTPS_PROXY` and
    /// `NO_PROXY`.
    ///
    /// - Parameters:
    ///   - path: the file; `nil` takes `$KUBECONFIG`, else `~/.kube/config`. The variable may list several files,
    ///     separated by colons: of several entries with one name the first counts, and missing files are skipped.
    ///   - context: the context to use; `nil` takes the `current-context`.
    /// - Throws: `KubernetesError` with `configuration`. The message names file, line, column and key.
    public static func kubeconfig(path: String?, context: String?) throws(KubernetesError) -> Self {
        try kubeconfig(path: path, context: context, environment: .current)
    }

    static func kubeconfig(
        path: String?, context: String?, environment: Environment
    ) throws(KubernetesError) -> Self {
        let kubeconfig = try Kubeconfig(path: path, environment: environment)
        let context = try kubeconfig.context(named: context)
        guard let clusterName = try context.string("cluster") else {
            throw context.failure("cluster", "must name a cluster")
        }
        guard let cluster = try kubeconfig.entry("cluster", named: clusterName) else {
            throw context.failure("cluster", "there is no cluster named '\(clusterName)'")
        }
        var configuration = try Self(cluster: cluster, environment: environment)
        configuration.namespace = try context.string("namespace") ?? "default"
        if let userName = try context.string("user") {
            guard let user = try kubeconfig.entry("user", named: userName) else {
                throw context.failure("user", "there is no user named '\(userName)'")
            }
            try configuration.apply(user: user, cluster: cluster)
        }
        return configuration
    }

    private init(cluster: KubeconfigNode, environment: Environment) throws(KubernetesError) {
        guard let server = try cluster.string("server") else { throw cluster.failure("server", "is missing") }
        let url: ServerURL
        do throws(KubernetesError) { url = try ServerURL(server) } catch {
            throw cluster.failure("server", error.message)
        }
        self.init(
            server: server,
            certificateAuthority: try cluster.pem("certificate-authority", "the certificate authority"),
            tlsServerName: try cluster.string("tls-server-name"),
            insecureSkipTLSVerify: try cluster.bool("insecure-skip-tls-verify"),
            proxy: try Self.proxy(of: cluster, to: url, environment: environment))
        if insecureSkipTLSVerify, certificateAuthority != nil {
            throw cluster.failure("insecure-skip-tls-verify", "contradicts certificate-authority; remove one of them")
        }
    }

    /// The proxy of the kubeconfig, from which no variable exempts a server, else that of the environment.
    private static func proxy(
        of cluster: KubeconfigNode, to server: ServerURL, environment: Environment
    ) throws(KubernetesError) -> Proxy? {
        guard let url = try cluster.string("proxy-url") else { return try Proxy(to: server, environment: environment) }
        do throws(KubernetesError) { return try Proxy(url: url) } catch {
            throw cluster.failure("proxy-url", error.message)
        }
    }
}
