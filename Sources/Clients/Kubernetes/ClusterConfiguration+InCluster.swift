extension ClusterConfiguration {
    static let inClusterHostVariable = "KUBERNETES_SERVICE_HOST"

    /// Makes the configuration of a pod from its service account, as the kubelet mounts it.
    ///
    /// A client reads the token file and the file of the certificate authority again each minute.
    ///
    /// - Throws: `KubernetesError` with `configuration` when the process does not run in a pod, or the pod has no
    ///   service account mounted.
    public static func inCluster() throws(KubernetesError) -> Self {
        try inCluster(environment: .current)
    }

    static func inCluster(environment: Environment) throws(KubernetesError) -> Self {
        guard let host = environment[inClusterHostVariable], let port = environment["KUBERNETES_SERVICE_PORT"] else {
            throw KubernetesError(
                code: .configuration,
                message: "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
        }
        let folder = environment.serviceAccountFolder
        // The files are read here only to fail early, with the file's name.
        _ = try contents(ofFile: "\(folder)/token", "the service account's token")
        _ = try contents(ofFile: "\(folder)/ca.crt", "the cluster's certificate authority")
        let namespace = try? contents(ofFile: "\(folder)/namespace", "the service account's namespace")
        let server = "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        return Self(
            server: server, certificateAuthority: .file("\(folder)/ca.crt"), token: .file("\(folder)/token"),
            proxy: try Proxy(to: try ServerURL(server), environment: environment),
            namespace: namespace.flatMap { trimmed($0) } ?? "default")
    }
}

/// Removes the white space around a file's text.
///
/// - Returns: `nil` when nothing is left.
func trimmed(_ bytes: [UInt8]) -> String? {
    let isSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
    guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return nil }
    return String(decoding: bytes[first...last], as: UTF8.self)
}
