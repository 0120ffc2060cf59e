extension RealAPIServer {
    static func options(
        port: Int, etcd: RealEtcd, credentials: Credentials, folder: TemporaryFolder, audit: AuditLog
    ) -> [String] {
        [
            "--etcd-servers=\(etcd.url)",
            "--bind-address=127.0.0.1", "--secure-port=\(port)",
            // Without these two the server looks for a route to the outside, which a closed machine doesn't have.
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
            "--cert-dir=\(folder.path(of: "generated"))",
            "--tls-cert-file=\(credentials.serverCertificate)", "--tls-private-key-file=\(credentials.serverKey)",
            "--client-ca-file=\(credentials.authority)", "--token-auth-file=\(credentials.tokens)",
            "--authorization-mode=RBAC",
            "--audit-policy-file=\(audit.policyPath)", "--audit-log-path=\(audit.path)", "--audit-log-maxsize=10000",
            "--service-account-key-file=\(credentials.serviceAccountPublicKey)",
            "--service-account-signing-key-file=\(credentials.serviceAccountKey)",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--api-audiences=https://kubernetes.default.svc",
            // Its controller is not here, and without it every pod would be refused.
            "--disable-admission-plugins=ServiceAccount",
            "--service-cluster-ip-range=10.96.0.0/16",
        ]
    }

    /// Makes Istio's `ServiceEntry` and `WorkloadEntry` known, and returns when lists of them are served.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said.
    public func loadDefinitions() async throws {
        try await kubectl("create", "--validate=false", "-f", ServerTools.fixture("istio-crds.yaml"))
        for plural in ["serviceentries", "workloadentries"] {
            try await eventually("the API server lists \(plural)") {
                try await kubectl("get", "--raw", "/apis/networking.istio.io/v1beta1/\(plural)").contains("items")
            }
        }
    }
}
