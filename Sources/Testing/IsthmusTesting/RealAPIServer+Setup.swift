internal import JSON

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
        try await loadDefinitions("istio-crds.yaml", of: ["serviceentries", "workloadentries"])
    }

    /// Makes Istio's `VirtualService` and `Sidecar` known too, unless they are; they are the largest of all.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said.
    public func loadRoutingDefinitions() async throws {
        let known = try await kubectl("api-resources", "--api-group", "networking.istio.io", "-o", "name")
        if known.contains("virtualservices") { return }
        try await loadDefinitions("istio-routing-crds.yaml", of: ["virtualservices", "sidecars"])
    }

    private func loadDefinitions(_ fixture: String, of plurals: [String]) async throws {
        let file = ServerTools.fixture(fixture)
        if let extensions {
            try await extensions.loadDefinitions(file, at: kubectl)
        } else {
            try await kubectl("create", "--validate=false", "-f", file)
        }
        for version in ["v1alpha3", "v1beta1", "v1"] {
            for plural in plurals {
                try await eventually("the API server lists \(plural) of \(version)") {
                    do {
                        return try await kubectl("get", "--raw", "/apis/networking.istio.io/\(version)/\(plural)")
                            .contains("items")
                    } catch {
                        // A server that forwards the group answers 503 until it knows the other one.
                        guard extensions != nil else { throw error }
                        return false
                    }
                }
            }
        }
    }

    /// Adds a rule in CEL to what version `v1` of a definition says of `spec`.
    ///
    /// - Throws: ``TestSupportError`` for a server that is not ``Model/modern``, and with what `kubectl` said.
    public func addRule(_ rule: String, message: String, to definition: String) async throws {
        guard let extensions else { throw TestSupportError("a classic API server knows no rules in CEL") }
        try await extensions.changeDefinition(definition) { definition in
            try Self.add(["rule": .string(rule), "message": .string(message)], to: &definition)
        }
    }

    private static func add(_ rule: JSONValue, to definition: inout JSONValue) throws {
        guard var versions = definition["spec"]?["versions"]?.array,
            let index = versions.firstIndex(where: { $0["name"] == "v1" })
        else { throw TestSupportError("the definition has no version v1") }
        let path = ["schema", "openAPIV3Schema", "properties", "spec", "x-kubernetes-validations"]
        let rules = path.reduce(versions[index] as JSONValue?) { $0?[$1] }?.array ?? []
        let patch = path.reversed().reduce(JSONValue.array(rules + [rule])) { [$1: $0] }
        versions[index] = versions[index].applying(mergePatch: patch)
        definition = definition.applying(mergePatch: ["spec": ["versions": .array(versions)]])
    }
}
