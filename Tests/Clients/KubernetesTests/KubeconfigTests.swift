import Foundation
import Testing

@testable import Kubernetes

@Suite("A kubeconfig", .timeLimit(.minutes(1)))
struct KubeconfigTests {
    static let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    static func text(
        cluster: String = "server: https://api:6443", user: String = "token: abc", context: String = "user: u"
    ) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: one
        clusters:
        - name: c
          cluster:
            \(cluster.replacing("\n", with: "\n    "))
        users:
        - name: u
          user:
            \(user.replacing("\n", with: "\n    "))
        contexts:
        - name: one
          context:
            cluster: c
            \(context.replacing("\n", with: "\n    "))
        - name: two
          context: {cluster: c, namespace: elsewhere}
        """
    }

    private func read(
        _ text: String, files: [String: String] = [:], context: String? = nil
    ) async throws -> ClusterConfiguration {
        try await withFiles(files.merging(["config": text]) { $1 }) { folder in
            try ClusterConfiguration.kubeconfig(path: "\(folder)/config", context: context)
        }
    }

    private func refusal(_ text: String, context: String? = nil) async throws -> String {
        do {
            _ = try await read(text, context: context)
        } catch let error as KubernetesError {
            #expect(error.code == .configuration)
            return error.message
        }
        throw NothingThrown()
    }

    @Test("names a server, a token and a namespace")
    func minimal() async throws {
        let configuration = try await read(Self.text(context: "user: u\nnamespace: dubbo"))
        #expect(configuration.server == "https://api:6443")
        #expect(configuration.namespace == "dubbo")
        guard case .fixed(let token) = configuration.token?.source else { throw NothingThrown() }
        #expect(token.value == "abc")
        #expect(configuration.certificateAuthority == nil)
        #expect(!configuration.insecureSkipTLSVerify)
    }

    @Test("gives the context that is asked for, also one without a user")
    func otherContext() async throws {
        let configuration = try await read(Self.text(), context: "two")
        #expect(configuration.namespace == "elsewhere")
        #expect(configuration.token == nil)
    }

    @Test("may be JSON")
    func json() async throws {
        let configuration = try await read(
            """
            {"current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c"}}],
             "clusters": [{"name": "c", "cluster": {"server": "http://localhost:8001"}}]}
            """)
        #expect(configuration.server == "http://localhost:8001")
    }

    @Test("names files relative to its own folder")
    func relativePaths() async throws {
        let configuration = try await read(
            Self.text(
                cluster: "server: https://api\ncertificate-authority: ca.crt",
                user: "client-certificate: me.crt\nclient-key: me.key\ntokenFile: token"),
            files: ["ca.crt": "CA", "me.crt": "CERT", "me.key": "KEY", "token": "t"])
        let certificate = configuration.clientCertificate
        for (file, name) in [
            (configuration.certificateAuthority, "ca.crt"), (certificate?.chain, "me.crt"),
            (certificate?.privateKey, "me.key"),
        ] {
            guard case .file(let path) = file?.source else { throw NothingThrown() }
            #expect(path.hasSuffix("/\(name)") && path.hasPrefix("/"))
        }
        guard case .file(let path) = configuration.token?.source else { throw NothingThrown() }
        #expect(path.hasSuffix("/token") && path.hasPrefix("/"))
    }

    @Test("prefers inline data to files, folded or not")
    func data() async throws {
        let configuration = try await read(
            Self.text(
                cluster:
                    "server: https://api\ncertificate-authority: absent\ncertificate-authority-data: >-\n  Q0\n  E=",
                user: "client-certificate-data: Q0VSVA==\nclient-key-data: S0VZ"))
        #expect(configuration.certificateAuthority == .bytes(Array("CA".utf8)))
        #expect(configuration.clientCertificate?.chain == .bytes(Array("CERT".utf8)))
        #expect(configuration.clientCertificate?.privateKey == .bytes(Array("KEY".utf8)))
    }

    @Test("prefers a token file to a token")
    func tokenFile() async throws {
        let configuration = try await read(
            Self.text(user: "token: abc\ntokenFile: token"), files: ["token": "t"])
        guard case .file = configuration.token?.source else { throw NothingThrown() }
    }

    @Test(
        "with an unsupported key is refused by file, line and key",
        arguments: [
            ("user", "auth-provider: {name: gcp}", "users[0].user.auth-provider: was removed"),
            ("user", "username: me\npassword: hunter2", "users[0].user.username: basic authentication was removed"),
            ("user", "password: hunter2", "users[0].user.password: basic authentication was removed"),
            (
                "cluster", "server: https://api\nproxy-url: proxy:3128",
                "clusters[0].cluster.proxy-url: 'proxy:3128' is not the URL of a proxy: it must start with http://"
            ),
            ("user", "as-groups: [hunter2]", "users[0].user.as-groups: needs the key 'as' with the name of the user"),
            ("user", "as: a\nas-groups: hunter2", "users[0].user.as-groups: must be a list of strings"),
        ])
    func unsupported(part: String, yaml: String, key: String) async throws {
        let message = try await refusal(part == "user" ? Self.text(user: yaml) : Self.text(cluster: yaml))
        #expect(message.contains(key))
        #expect(message.contains(#/config:\d+:\d+: /#))
        #expect(!message.contains("hunter2"))
    }

    @Test("that is wrong is refused with position and reason")
    func wrong() async throws {
        #expect(try await refusal("").contains("it is empty"))
        #expect(try await refusal("- a").contains("must be a mapping"))
        #expect(try await refusal("a: 'b\n").contains("it is not YAML"))
        #expect(try await refusal("a: 1\na: 2\n").contains("one mapping holds keys twice: a"))
        #expect(try await refusal("clusters: 5").contains("current-context: is not set"))
        #expect(
            try await refusal(Self.text(), context: "three").contains("no context 'three'; the file has 'one', 'two'"))
        #expect(try await refusal(Self.text(context: "user: v")).contains("there is no user named 'v'"))
        #expect(try await refusal(Self.text(cluster: "server: ''")).contains("clusters[0].cluster.server: is missing"))
        #expect(try await refusal(Self.text(cluster: "server: api:6443")).contains("must start with https://"))
        #expect(
            try await refusal(Self.text(user: "client-certificate-data: Q0E=")).contains("client-key: is missing"))
        #expect(
            try await refusal(Self.text(user: "client-key-data: '*'")).contains("client-key-data: is not base64"))
        #expect(
            try await refusal(Self.text(cluster: "server: https://a\ncertificate-authority: no.crt"))
                .contains("no.crt: there is no such file"))
        #expect(
            try await refusal(Self.text(cluster: "server: https://a\ninsecure-skip-tls-verify: perhaps"))
                .contains("insecure-skip-tls-verify: must be true or false"))
        #expect(
            try await refusal(
                Self.text(
                    cluster: "server: https://a\ninsecure-skip-tls-verify: true\ncertificate-authority-data: Q0E=")
            )
            .contains("contradicts certificate-authority"))
    }

    @Test("that is not YAML is refused without a quotation, for it may hold secrets")
    func noSecretInSyntaxErrors() async throws {
        #expect(!(try await refusal("users:\n- user: {token: 'hunter2\n")).contains("hunter2"))
    }

    @Test("makes the client act as somebody else")
    func impersonation() async throws {
        let configuration = try await read(
            Self.text(user: "token: t\nas: jane\nas-uid: u1\nas-groups: [a, b]\nas-user-extra: {a.b/c: [x, y]}"))
        #expect(
            configuration.impersonation
                == Impersonation(user: "jane", uid: "u1", groups: ["a", "b"], extra: ["a.b/c": ["x", "y"]]))
    }

    @Test("is found by KUBECONFIG, or in the home folder")
    func location() async throws {
        try await withFiles(["config": Self.text()]) { folder in
            func read(_ variables: [String: String]) throws -> String {
                try ClusterConfiguration.kubeconfig(
                    path: nil, context: nil, environment: Environment(variables: variables)
                ).server
            }
            #expect(try read(["KUBECONFIG": "\(folder)/config"]) == "https://api:6443")
            #expect(throws: KubernetesError.self) { try read(["HOME": folder]) }
            try FileManager.default.createDirectory(atPath: "\(folder)/.kube", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: "\(folder)/config", toPath: "\(folder)/.kube/config")
            #expect(try read(["HOME": folder]) == "https://api:6443")
        }
    }
}
