import Logging
import NIOHTTP1
import NIOSSL
import Testing

@testable import Kubernetes

@Suite("A proxy", .timeLimit(.minutes(1)))
struct ProxyTests {
    private typealias Proxy = ClusterConfiguration.Proxy

    private func proxy(
        to server: String = "https://api:6443", _ variables: [String: String]
    ) throws -> String? {
        try Proxy(to: ServerURL(server), environment: Environment(variables: variables)).map { "\($0)" }
    }

    @Test(
        "is named by its URL",
        arguments: [
            ("http://proxy:3128", "http://proxy:3128"), ("HTTP://proxy/", "http://proxy"),
            ("socks5://10.0.0.1", "socks5://10.0.0.1"), ("socks5h://[fd00::1]:9", "socks5://[fd00::1]:9"),
            ("http://me:p%40ss@proxy:8080", "http://proxy:8080"),
        ])
    func url(text: String, description: String) throws {
        let proxy = try Proxy(url: text)
        #expect("\(proxy)" == description)
    }

    @Test("has the user and the password of its URL, and never prints them")
    func user() throws {
        let proxy = try Proxy(url: "http://me:hunt%40er2@proxy:8080")
        #expect(proxy.user == .init(name: "me", password: Secret("hunt@er2")))
        var configuration = ClusterConfiguration(server: "https://api")
        configuration.proxy = proxy
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in [dumped, "\(configuration)", String(reflecting: configuration)] { #expect(!text.contains("hunt")) }
        #expect("\(configuration)".contains("through the proxy http://proxy:8080"))
    }

    @Test(
        "with an unusable URL is refused, without its password",
        arguments: [
            ("proxy:3128", "'proxy:3128' is not the URL of a proxy: it must start with http:// or socks5://"),
            (
                "https://me:hunter2@proxy",
                "'https://proxy' is not the URL of a proxy: this client speaks no TLS to a proxy; use http:// or socks5://"
            ),
            (
                "socks5://me:hunter2@proxy",
                "'socks5://proxy' is not the URL of a proxy: this client gives no user and no password to a SOCKS proxy"
            ),
            ("http://me:hunt/er2@", "'http://' is not the URL of a proxy: the host is missing"),
            (
                "http://fd00::1:3128",
                "'http://fd00::1:3128' is not the URL of a proxy: an IPv6 address needs brackets, as in [fd00::1]:6443"
            ),
        ])
    func refused(url: String, message: String) {
        #expect(throws: KubernetesError(code: .configuration, message: message)) { try Proxy(url: url) }
    }

    @Test("comes from the variable for the server's scheme, in upper or lower case, without http:// too")
    func environment() throws {
        #expect(try proxy([:]) == nil)
        #expect(try proxy(["HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:1"]) == "http://a:1")
        #expect(try proxy(["HTTPS_PROXY": "", "https_proxy": "b:1"]) == "http://b:1")
        #expect(try proxy(["HTTP_PROXY": "http://c:1", "ALL_PROXY": "http://d:1"]) == nil)
        #expect(try proxy(to: "http://api", ["HTTP_PROXY": "http://c:1"]) == "http://c:1")
        #expect(throws: KubernetesError.self) { try proxy(["HTTPS_PROXY": "ftp://a"]) }
    }

    @Test(
        "of the environment is not for the servers that NO_PROXY names, by client-go's rules",
        arguments: [
            ("https://api.acme.com:6443", "acme.com", true), ("https://acme.com:6443", "acme.com", true),
            ("https://notacme.com:6443", "acme.com", false), ("https://acme.com:6443", ".acme.com", false),
            ("https://api.acme.com:6443", "x, *.ACME.com ,y", true), ("https://acme.com:6443", "*.acme.com", false),
            ("https://api.acme.com:6443", "acme.com:6443", true), ("https://api.acme.com", "acme.com:6443", false),
            ("https://api.acme.com", "acme.com:443", true), ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.9.9.9/8", true), ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true), ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://[fd00::1]:6443", "fd00:0::1", true), ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fd00::1]:6443", "fd00::/8", true), ("https://api:6443", "*", true),
            ("https://api:6443", ",, :6443", false), ("https://localhost:6443", "", true),
            ("https://127.9.9.9:6443", "", true), ("https://[::1]:6443", "", true),
        ])
    func exemptions(server: String, list: String, isDirect: Bool) throws {
        for name in ["NO_PROXY", "no_proxy"] {
            let found = try proxy(to: server, ["HTTPS_PROXY": "http://p", name: list])
            #expect((found == nil) == isDirect)
        }
    }

    @Test("of a kubeconfig stands above the environment")
    func kubeconfig() async throws {
        func read(_ cluster: String) async throws -> String? {
            try await withFiles(["config": KubeconfigTests.text(cluster: cluster)]) { folder in
                let environment = Environment(variables: ["HTTPS_PROXY": "http://env:1", "NO_PROXY": "acme.com"])
                return try ClusterConfiguration.kubeconfig(
                    path: "\(folder)/config", context: nil, environment: environment
                ).proxy.map { "\($0)" }
            }
        }
        #expect(try await read("server: https://api.acme.com\nproxy-url: http://p:1") == "http://p:1")
        #expect(try await read("server: https://api.acme.com") == nil)
        #expect(try await read("server: https://api.other.com") == "http://env:1")
    }

    @Test("opens a tunnel for requests and watches, and learns user and password")
    func tunnel() async throws {
        let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
            request.isWatch
                ? .lines([eventText("ADDED", "b", version: "11")]) : .json(objectText("a", version: "10"))
        }
        try await TestServer.run(handler) { server in
            try await TestProxy.run(to: server.port) { proxy in
                var configuration = ClusterConfiguration(server: "http://api.acme.internal:6443")
                configuration.proxy = try .init(url: "http://me:secret@127.0.0.1:\(proxy.port)")
                try await withClient(configuration) { client in
                    _ = try await client.get(configMaps, name: "a", namespace: "ns")
                    for try await event in client.watch(configMaps, from: "10") {
                        #expect(event.object?.metadata.name == "b")
                    }
                }
                #expect(proxy.requests.count == 2)
                for request in proxy.requests {
                    #expect(request.hasPrefix("CONNECT api.acme.internal:6443 HTTP/1.1\r\n"))
                    #expect(request.contains("proxy-authorization: Basic bWU6c2VjcmV0\r\n"))
                }
                #expect(server.requests.allSatisfy { $0.headers["Proxy-Authorization"].isEmpty })
            }
        }
    }

    @Test("stands between the client and a server with TLS, whose certificate is verified for the server's own name")
    func tls() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let authority = try await certificates.makeAuthority("ca")
            let pair = try await certificates.make("server", for: "DNS:api.acme.com", by: authority)
            let context = try certificates.context(pair)
            let reply = TestServer.Reply.json(objectText("a", version: "10"))
            try await TestServer.run(tls: .init(context), { _ in reply }) { server in
                try await TestProxy.run(to: server.port) { proxy in
                    func get(_ url: String) async throws {
                        var configuration = ClusterConfiguration(
                            server: url, certificateAuthority: .file("\(folder)/ca.crt"))
                        configuration.proxy = try .init(url: "http://127.0.0.1:\(proxy.port)")
                        try await withClient(configuration) { client in
                            _ = try await client.get(configMaps, name: "a", namespace: "ns")
                        }
                    }
                    try await get("https://api.acme.com:6443")
                    #expect(proxy.requests.first?.hasPrefix("CONNECT api.acme.com:6443 ") == true)
                    let error = await #expect(throws: KubernetesError.self) { try await get("https://acme.org:6443") }
                    #expect(
                        error?.message == "acme.org:6443 through the proxy http://127.0.0.1:\(proxy.port): TLS: the "
                            + "server's certificate is for another name; set tls-server-name to that name")
                }
            }
        }
    }

    @Test("needs a name to verify the server's certificate for")
    func address() throws {
        var configuration = ClusterConfiguration(server: "https://10.0.0.1:6443")
        configuration.proxy = try .init(url: "http://proxy")
        let message =
            "through the proxy http://proxy, the certificate of 10.0.0.1:6443 cannot be verified for an address; set "
            + "tls-server-name to a name in the certificate, such as kubernetes.default.svc, or exempt the server by "
            + "NO_PROXY"
        let logger = Logger(label: "test")
        #expect(throws: KubernetesError(code: .configuration, message: message)) {
            try KubernetesClient(configuration, userAgent: "test/1", logger: logger)
        }
        configuration.tlsServerName = "kubernetes.default.svc"
        _ = try KubernetesClient(configuration, userAgent: "test/1", logger: logger)
    }

    @Test(
        "that does not open a tunnel is named, and nothing was sent",
        arguments: [
            ("403 Forbidden", "the proxy refuses to connect to the server"),
            ("407 Proxy Authentication Required", "the proxy does not accept the user and the password"),
        ])
    func noTunnel(answer: String, message: String) async throws {
        try await TestProxy.run(to: 1, answer: answer) { proxy in
            let environment = Environment(variables: ["HTTP_PROXY": "127.0.0.1:\(proxy.port)"])
            var configuration = ClusterConfiguration(server: "http://api:6443")
            configuration.proxy = try .init(to: ServerURL(configuration.server), environment: environment)
            try await withClient(configuration) { [proxy] client in
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.delete(configMaps, name: "a", namespace: "ns")
                }
                #expect(error.code == .unreachable)
                #expect(!error.isOutcomeUnknown)
                #expect(
                    error.message
                        == "api:6443 through the proxy http://127.0.0.1:\(proxy.port) of HTTP_PROXY: \(message)")
            }
        }
    }
}
