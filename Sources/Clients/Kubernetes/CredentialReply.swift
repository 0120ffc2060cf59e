internal import FoundationEssentials
internal import JSON

/// Reads the `ExecCredential` that a credential plug-in prints.
enum CredentialReply {
    /// Why a reply is unusable, as the end of a sentence that begins with "the credential plug-in". It never quotes the
    /// reply, which may hold a secret.
    struct Unusable: Error {
        let reason: String
    }

    /// - Parameter now: the time of day, from which the reply's expiry is measured.
    static func read(_ bytes: [UInt8], expecting version: ClusterConfiguration.CredentialPlugin.APIVersion, now: Date)
        throws(Unusable) -> PluginCredential
    {
        guard let reply = try? JSONValue(parsing: bytes) else { throw Unusable(reason: "printed no JSON") }
        guard reply["kind"]?.string == "ExecCredential", reply["apiVersion"]?.string == version.name else {
            throw Unusable(reason: "printed no ExecCredential of \(version.name), the version in the kubeconfig")
        }
        guard let status = reply["status"] else { throw Unusable(reason: "printed an ExecCredential without a status") }
        func text(_ key: String) -> String? { status[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }

        var credential = PluginCredential(token: text("token").map { Secret($0) })
        switch (text("clientCertificateData"), text("clientKeyData")) {
        case (let chain?, let key?): credential.certificate = .init(chain: Array(chain.utf8), key: Secret(key))
        case (nil, nil):
            if credential.token == nil { throw Unusable(reason: "printed neither a token nor a client certificate") }
        case (_, nil): throw Unusable(reason: "printed a client certificate without its key")
        case (nil, _): throw Unusable(reason: "printed a client key without its certificate")
        }
        if let expiry = text("expirationTimestamp") {
            guard let date = JSONCoding.date(expiry) else {
                throw Unusable(reason: "printed an expirationTimestamp that is not an RFC 3339 time")
            }
            credential.lifetime = .seconds(max(date.timeIntervalSince(now), 0))
        }
        return credential
    }
}
