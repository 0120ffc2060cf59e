import Logging
import Testing

@testable import Kubernetes

@Suite("A cluster's configuration", .timeLimit(.minutes(1)))
struct ClusterConfigurationTests {
    private func inPod<Result>(
        _ files: [String: String] = ["token": "t\n", "ca.crt": "CA", "namespace": "mesh\n"],
        host: String = "10.96.0.1",
        _ body: (Environment) throws -> Result
    ) async throws -> Result {
        try await withFiles(files) { folder in
            try body(
                Environment(
                    variables: ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"],
                    serviceAccountFolder: folder))
        }
    }

    @Test("comes from the service account in a pod")
    func inCluster() async throws {
        let configuration = try await inPod { try ClusterConfiguration.inCluster(environment: $0) }
        #expect(configuration.server == "https://10.96.0.1:443")
        guard case .file(let authority) = configuration.certificateAuthority?.source else { throw NothingThrown() }
        #expect(authority.hasSuffix("/ca.crt"))
        #expect(configuration.namespace == "mesh")
        guard case .file(let path) = configuration.token?.source else { throw NothingThrown() }
        #expect(path.hasSuffix("/token"))
    }

    @Test("puts an IPv6 address in brackets")
    func inClusterIPv6() async throws {
        let configuration = try await inPod(host: "fd00::1") { try ClusterConfiguration.inCluster(environment: $0) }
        #expect(configuration.server == "https://[fd00::1]:443")
    }

    @Test("fails with the missing file's name, or outside a pod")
    func inClusterFailures() async throws {
        let error = try await failure { () async throws(KubernetesError) in
            do {
                _ = try await inPod(["ca.crt": "CA"]) { try ClusterConfiguration.inCluster(environment: $0) }
            } catch let error as KubernetesError { throw error } catch {}
        }
        #expect(error.message.contains("/token: there is no such file"))
        #expect(throws: KubernetesError.self) {
            try ClusterConfiguration.inCluster(environment: Environment(variables: [:]))
        }
    }

    @Test("is the pod's when detected there, unless a file or a context is named")
    func detection() async throws {
        try await inPod { environment in
            let found = try ClusterConfiguration.detect(kubeconfig: nil, context: nil, environment: environment)
            #expect(found.server == "https://10.96.0.1:443")
            #expect(throws: KubernetesError.self) {
                try ClusterConfiguration.detect(kubeconfig: "/absent", context: nil, environment: environment)
            }
            #expect(throws: KubernetesError.self) {
                try ClusterConfiguration.detect(kubeconfig: nil, context: "x", environment: environment)
            }
        }
    }

    @Test("never prints a secret")
    func redaction() {
        var configuration = ClusterConfiguration(server: "https://a", token: .fixed(Secret("hunter2")))
        configuration.clientCertificate = .init(
            chain: .bytes([]), privateKey: .bytes(Array("hunter2".utf8)))
        configuration.credentialPlugin = .init(command: "x", environment: ["KEY": Secret("hunter2")])
        let key = Array("hunter2".utf8).map(String.init).joined(separator: ", ")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains("hunter2") && !text.contains(key))
        }
    }

    @Test("with an unusable certificate or key makes no client")
    func unusableTLS() throws {
        let logger = Logger(label: "test")
        for configuration in [
            ClusterConfiguration(server: "https://a", certificateAuthority: .bytes(Array("nonsense".utf8))),
            ClusterConfiguration(
                server: "https://a", clientCertificate: .init(chain: .file("/absent"), privateKey: .file("/absent"))),
            ClusterConfiguration(
                server: "https://a", token: .fixed(Secret("t")), credentialPlugin: .init(command: "x")),
            ClusterConfiguration(server: "https://a", tlsServerName: "10.0.0.1"),
            ClusterConfiguration(server: "ftp://a"),
        ] {
            #expect(throws: KubernetesError.self) {
                try KubernetesClient(configuration, userAgent: "test/1", logger: logger)
            }
        }
    }

    @Test(
        "names servers by URL",
        arguments: [
            ("https://api", "api", 443, "", "https://api"), ("HTTPS://api:6443/", "api", 6443, "", "https://api:6443"),
            ("http://127.0.0.1:8001", "127.0.0.1", 8001, "", "http://127.0.0.1:8001"),
            ("https://[::1]:6443", "::1", 6443, "", "https://[::1]:6443"),
            (
                "https://rancher/k8s/clusters/c-1/", "rancher", 443, "/k8s/clusters/c-1",
                "https://rancher/k8s/clusters/c-1"
            ),
        ])
    func serverURL(text: String, host: String, port: Int, prefix: String, root: String) throws {
        let url = try ServerURL(text)
        #expect(url.host == host && url.port == port && url.prefix == prefix && url.root() == root)
    }

    @Test(
        "refuses what is no server's URL",
        arguments: [
            "", "api", "api:6443", "https://", "https://:80", "https://a:0", "https://a:99999", "https://a:b",
            "https://[::1", "https://[::1]x", "https://[api]", "https://[fe80::1%25eth0]:6443", "https://me:hunter2@a",
            "https://a?b", "https://a b",
        ])
    func badServerURL(text: String) {
        let error = #expect(throws: KubernetesError.self) { try ServerURL(text) }
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test("asks for the brackets of an IPv6 address")
    func bareIPv6() {
        let message =
            "'https://fd00:ac::1:6443' is not the URL of a server: an IPv6 address needs brackets, as in [fd00::1]:6443"
        #expect(throws: KubernetesError(code: .configuration, message: message)) {
            try ServerURL("https://fd00:ac::1:6443")
        }
    }
}
