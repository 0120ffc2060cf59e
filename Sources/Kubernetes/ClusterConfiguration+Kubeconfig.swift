extension ClusterConfiguration {
    /// Reads a kubeconfig file (`v1`, kind `Config`).
    ///
    /// Relative paths in it resolve against its folder. Certificates and keys are read now, a token's file each
    /// minute. What would need a helper process or another identity (`exec`, `auth-provider`, `proxy-url`, `as`,
    /// `username`) is refused rather than ignored.
    ///
    /// - Parameters:
    ///   - path: the file; `nil` takes `$KUBECONFIG` when it names a single file, else `~/.kube/config`.
    ///   - context: the context to use; `nil` takes the file's `current-context`.
    /// - Throws: `KubernetesError` with `configuration`, which names file, line, column and key.
    public static func kubeconfig(path: String?, context: String?) throws(KubernetesError) -> Self {
        try kubeconfig(path: path, context: context, environment: .current)
    }

    static func kubeconfig(
        path: String?, context: String?, environment: Environment
    ) throws(KubernetesError) -> Self {
        let file: String
        if let path { file = path } else { file = try defaultKubeconfig(environment) }
        let root = try KubeconfigNode(file: file)
        let context = try selectedContext(of: root, name: context)
        guard let clusterName = try context.string("cluster") else {
            throw context.failure("cluster", "must name one of the file's clusters")
        }
        guard let cluster = try entry("cluster", of: root, named: clusterName) else {
            throw context.failure("cluster", "there is no cluster named '\(clusterName)'")
        }
        var configuration = try Self(cluster: cluster)
        configuration.namespace = try context.string("namespace") ?? "default"
        if let userName = try context.string("user") {
            guard let user = try entry("user", of: root, named: userName) else {
                throw context.failure("user", "there is no user named '\(userName)'")
            }
            try configuration.apply(user: user)
        }
        return configuration
    }

    private static func defaultKubeconfig(_ environment: Environment) throws(KubernetesError) -> String {
        guard let list = environment["KUBECONFIG"] else {
            guard let home = environment["HOME"] else {
                throw KubernetesError(
                    code: .configuration, message: "no kubeconfig: neither KUBECONFIG nor HOME is set")
            }
            return "\(home)/.kube/config"
        }
        let files = list.split(separator: ":")
        guard files.count == 1, let file = files.first else {
            throw KubernetesError(
                code: .configuration,
                message: "KUBECONFIG lists \(files.count) files; a list is not supported yet, so name a single file")
        }
        return String(file)
    }

    private static func selectedContext(
        of root: KubeconfigNode, name: String?
    ) throws(KubernetesError) -> KubeconfigNode {
        let current = try root.string("current-context")
        let entries = try root.children("contexts")
        var names: [String] = []
        for entry in entries { if let name = try entry.string("name") { names.append("'\(name)'") } }
        let known = names.isEmpty ? "the file has none" : "the file has \(names.joined(separator: ", "))"
        guard let wanted = name ?? current else {
            throw root.failure("current-context", "is not set, so a context must be named; \(known)")
        }
        guard let context = try entry("context", of: root, named: wanted) else {
            throw root.failure(name == nil ? "current-context" : "contexts", "no context '\(wanted)'; \(known)")
        }
        return context
    }

    /// Kubeconfigs keep their maps as lists of `{name: …, <kind>: …}`; the first of a name counts.
    private static func entry(
        _ kind: String, of root: KubeconfigNode, named name: String
    ) throws(KubernetesError) -> KubeconfigNode? {
        for entry in try root.children("\(kind)s") where try entry.string("name") == name {
            guard let child = try entry.child(kind) else { throw entry.failure(kind, "is missing") }
            return child
        }
        return nil
    }
}

extension ClusterConfiguration {
    private init(cluster: KubeconfigNode) throws(KubernetesError) {
        guard let server = try cluster.string("server") else { throw cluster.failure("server", "is missing") }
        do {
            _ = try ServerURL(server)
        } catch {
            throw cluster.failure("server", error.message)
        }
        try Self.refuse(["proxy-url"], in: cluster)
        self.init(
            server: server,
            certificateAuthority: try cluster.bytes("certificate-authority", "the certificate authority"),
            tlsServerName: try cluster.string("tls-server-name"),
            insecureSkipTLSVerify: try cluster.bool("insecure-skip-tls-verify"))
        if insecureSkipTLSVerify, certificateAuthority != nil {
            throw cluster.failure("insecure-skip-tls-verify", "contradicts certificate-authority; remove one of them")
        }
    }

    private mutating func apply(user: KubeconfigNode) throws(KubernetesError) {
        try Self.refuse(
            ["exec", "auth-provider", "as", "as-uid", "as-groups", "as-user-extra", "username", "password"], in: user)
        if let tokenFile = try user.path("tokenFile") {
            _ = try contents(ofFile: tokenFile, "the token's file")
            token = .file(tokenFile)
        } else if let text = try user.string("token") {
            token = .fixed(Secret(text))
        }
        let chain = try user.bytes("client-certificate", "the client certificate")
        let key = try user.bytes("client-key", "the client key")
        switch (chain, key) {
        case (let chain?, let key?):
            clientCertificate = ClientCertificate(
                chain: chain, privateKey: Secret(String(decoding: key, as: UTF8.self)))
        case (nil, nil): break
        case (_, nil): throw user.failure("client-key", "is missing, although there is a client certificate")
        case (nil, _): throw user.failure("client-certificate", "is missing, although there is a client key")
        }
    }

    private static func refuse(_ keys: [String], in node: KubeconfigNode) throws(KubernetesError) {
        for key in keys where node.has(key) {
            throw node.failure(key, "is not supported yet")
        }
    }
}
