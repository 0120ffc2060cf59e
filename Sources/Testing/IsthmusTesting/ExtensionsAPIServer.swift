internal import Foundation
internal import JSON

/// An API server of Kubernetes 1.36 for custom resources alone, behind a kube-apiserver by API aggregation.
///
/// The kube-apiserver keeps namespaces, RBAC, tokens, leases and webhooks. Requests for Istio's group go through it to
/// this server, which validates by CEL, drops unknown fields, and stores and watches as today's clusters do.
final class ExtensionsAPIServer: Sendable {
    let port: Int
    /// `kubectl` at this server itself. It has no list of its groups, so only raw requests succeed.
    private let kubectl: Kubectl
    private let server: RestartableServer

    /// The arguments that make a kube-apiserver forward requests, with the user in headers that only it may send.
    static func frontOptions(_ credentials: RealAPIServer.Credentials) -> [String] {
        headerOptions(credentials) + [
            "--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--proxy-client-cert-file=\(credentials.proxyCertificate)",
            "--proxy-client-key-file=\(credentials.proxyKey)",
        ]
    }

    /// Starts it, and returns when it is ready (about 2 s). The kube-apiserver, whom it asks about users, runs already.
    ///
    /// - Throws: ``TestSupportError`` when the program is missing or doesn't come up.
    static func start(
        behind front: String, etcd: RealEtcd, credentials: RealAPIServer.Credentials, folder: TemporaryFolder,
        watchCache: Bool
    ) async throws -> ExtensionsAPIServer {
        let (tools, program) = (try ServerTools.locate(), try ServerTools.extensionsAPIServer())
        let port = try Loopback.freePort()
        let own = try folder.write(credentials.kubeconfig(port: port), to: "kubeconfig-extensions")
        let kubectl = try Kubectl(kubeconfig: own, executable: tools.kubectl)
        let arguments =
            headerOptions(credentials) + [
                "--etcd-servers=\(etcd.url)", "--etcd-prefix=/extensions", "--bind-address=127.0.0.1",
                "--secure-port=\(port)", "--cert-dir=\(folder.path(of: "generated-extensions"))",
                "--tls-cert-file=\(credentials.serverCertificate)", "--tls-private-key-file=\(credentials.serverKey)",
                "--client-ca-file=\(credentials.authority)", "--kubeconfig=\(front)",
                "--authentication-kubeconfig=\(front)", "--authorization-kubeconfig=\(front)",
                // The kube-apiserver is too old for what these two read from it.
                "--disable-admission-plugins=ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
                "--enable-priority-and-fairness=false", "--watch-cache=\(watchCache)",
            ]
        let server = try await RestartableServer {
            let process = try ChildProcess.start(
                "apiextensions-apiserver", executable: program, arguments: arguments,
                log: folder.path(of: "log-extensions"))
            try await process.waitUntilReady { try await kubectl("get", "--raw", "/readyz") == "ok" }
            return process
        }
        return ExtensionsAPIServer(port: port, kubectl: kubectl, server: server)
    }

    private static func headerOptions(_ credentials: RealAPIServer.Credentials) -> [String] {
        ["--requestheader-client-ca-file=\(credentials.authority)", "--requestheader-allowed-names=front-proxy"]
    }

    private init(port: Int, kubectl: Kubectl, server: RestartableServer) {
        self.port = port
        self.kubectl = kubectl
        self.server = server
    }

    func stop() async { await server.kill() }

    /// Makes the definitions known, and the kube-apiserver forward their group.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said.
    func loadDefinitions(_ file: String, at front: Kubectl) async throws {
        // A dry run at the kube-apiserver makes JSON of the file.
        let text = try await front("create", "--dry-run=client", "--validate=false", "-f", file, "-o", "json")
        for definition in try Self.documents(text) {
            try await kubectl("create", "--raw", Self.definitions, "-f", "-", input: definition)
        }
        try await front("create", "namespace", "extensions")
        try await front("create", "-f", "-", input: Self.forwarding(to: port))
    }

    /// Changes a definition.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said.
    func changeDefinition(_ name: String, _ change: (inout JSONValue) throws -> Void) async throws {
        let path = "\(Self.definitions)/\(name)"
        var definition = try JSONValue(parsing: Array(try await kubectl("get", "--raw", path).utf8))
        try change(&definition)
        let text = String(decoding: definition.bytes, as: UTF8.self)
        try await kubectl("replace", "--raw", path, "-f", "-", input: text)
    }

    private static let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

    /// The objects that `kubectl` printed one after the other.
    private static func documents(_ text: String) throws -> [String] {
        try text.components(separatedBy: "\n}\n").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            .filter { !$0.isEmpty }.map { text in
                String(decoding: try JSONValue(parsing: Array("\(text)\n}".utf8)).bytes, as: UTF8.self)
            }
    }

    private static func forwarding(to port: Int) -> String {
        let versions = ["v1", "v1beta1", "v1alpha3"].map { version in
            """
            ---
            apiVersion: apiregistration.k8s.io/v1
            kind: APIService
            metadata: {name: \(version).networking.istio.io}
            spec:
              group: networking.istio.io
              version: \(version)
              service: {namespace: extensions, name: extensions, port: \(port)}
              insecureSkipTLSVerify: true
              groupPriorityMinimum: 1000
              versionPriority: 15
            """
        }
        return """
            apiVersion: v1
            kind: Service
            metadata: {namespace: extensions, name: extensions}
            spec: {type: ExternalName, externalName: localhost, ports: [{port: \(port)}]}
            \(versions.joined(separator: "\n"))
            """
    }
}
