extension ClusterConfiguration {
    /// Sets the client's identity from the user's entry.
    mutating func apply(user: KubeconfigNode, cluster: KubeconfigNode) throws(KubernetesError) {
        try Self.refuseUnsupported(in: user)
        if let tokenFile = try user.path("tokenFile") {
            do throws(KubernetesError) { _ = try contents(ofFile: tokenFile, "the token file") } catch {
                throw user.failure("tokenFile", error.message)
            }
            token = .file(tokenFile)
        } else if let text = try user.string("token") {
            token = .fixed(Secret(text))
        }
        let chain = try user.pem("client-certificate", "the client certificate")
        let key = try user.pem("client-key", "the client key")
        switch (chain, key) {
        case (let chain?, let key?): clientCertificate = ClientCertificate(chain: chain, privateKey: key)
        case (nil, nil): break
        case (_, nil): throw user.failure("client-key", "is missing, although there is a client certificate")
        case (nil, _): throw user.failure("client-certificate", "is missing, although there is a client key")
        }
        impersonation = try Impersonation(user: user)
        if let exec = try user.child("exec") {
            guard token == nil, clientCertificate == nil else {
                throw user.failure("exec", "contradicts the user's token or client certificate; remove one of them")
            }
            credentialPlugin = try CredentialPlugin(exec: exec, cluster: cluster)
        }
    }

    private static func refuseUnsupported(in user: KubeconfigNode) throws(KubernetesError) {
        if user.has("auth-provider") {
            throw user.failure(
                "auth-provider", "was removed in Kubernetes 1.26; most providers offer an exec plug-in instead")
        }
        for key in ["username", "password"] where user.has(key) {
            throw user.failure(
                key, "basic authentication was removed in Kubernetes 1.19; use a token, a client certificate or exec")
        }
    }
}

extension Impersonation {
    /// - Returns: `nil` when the user's entry asks for no impersonation.
    fileprivate init?(user node: KubeconfigNode) throws(KubernetesError) {
        let (uid, groups) = (try node.string("as-uid"), try node.strings("as-groups"))
        let extra = try node.stringLists("as-user-extra")
        guard let user = try node.string("as") else {
            for key in ["as-uid", "as-groups", "as-user-extra"] where node.has(key) {
                throw node.failure(key, "needs the key 'as' with the name of the user to act as")
            }
            return nil
        }
        self.init(user: user, uid: uid, groups: groups, extra: extra)
    }
}
