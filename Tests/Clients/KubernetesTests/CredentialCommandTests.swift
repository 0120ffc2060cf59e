import Concurrency
import Foundation
import JSON
import Testing

@testable import Kubernetes

@Suite("A credential plug-in", .timeLimit(.minutes(1)))
struct CredentialCommandTests {
    /// Runs a shell script as the plug-in.
    private func run(
        _ script: String, hint: String? = nil, command: String = "/bin/sh", limit: Duration = .seconds(30),
        provideClusterInfo: Bool = false, mode: ClusterConfiguration.CredentialPlugin.InteractiveMode = .ifAvailable,
        hasTerminal: Bool = false, proxy: String? = nil
    ) async throws(KubernetesError) -> PluginCredential {
        let plugin = ClusterConfiguration.CredentialPlugin(
            command: command, arguments: ["-c", script], environment: ["GREETING": Secret("hello")], installHint: hint,
            interactiveMode: mode, providesClusterInfo: provideClusterInfo,
            clusterConfiguration: Array(#"{"audience":"x"}"#.utf8))
        var configuration = ClusterConfiguration(server: "https://api:6443", tlsServerName: "kube")
        if let proxy { configuration.proxy = try .init(url: proxy) }
        return try await CredentialCommand(
            plugin, for: configuration, authority: Array("CA".utf8), limit: limit,
            stopwatch: Stopwatch(ContinuousClock()), hasTerminal: hasTerminal
        ).run()
    }

    private func print(_ status: String) -> String {
        #"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":\#(status)}'"#
    }

    private func complaint(_ script: String) async throws -> String {
        let error = try await failure { () async throws(KubernetesError) in try await run(script) }
        #expect(error.code == .credentialsUnavailable)
        #expect(error.isTransient)
        return error.message
    }

    @Test("supplies a token, a certificate, or both, and their expiry")
    func success() async throws {
        #expect(try await run(print(#"{"token":"t"}"#)) == PluginCredential(token: Secret("t")))
        let expiry = Date.now.addingTimeInterval(3600).ISO8601Format()
        let both = try await run(
            print(
                #"{"token":"t","clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":"\#(expiry)"}"#))
        #expect(both.certificate == .init(chain: Array("C".utf8), key: Secret("K")))
        #expect(try #require(both.lifetime) > .seconds(3500))
        #expect(try #require(both.lifetime) <= .seconds(3600))
    }

    @Test("finds its input in its environment")
    func environment() async throws {
        let script =
            #"t=$(printf %s "$GREETING$KUBERNETES_EXEC_INFO" | base64 | tr -d '\n'); "#
            + #"printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s"}}' $t"#
        func seen(
            _ provideClusterInfo: Bool, mode: ClusterConfiguration.CredentialPlugin.InteractiveMode = .ifAvailable,
            hasTerminal: Bool = false, proxy: String? = nil
        ) async throws -> String {
            let token = try await run(
                script, provideClusterInfo: provideClusterInfo, mode: mode, hasTerminal: hasTerminal, proxy: proxy
            ).token?.value
            return String(decoding: try #require(Data(base64Encoded: token ?? "")), as: UTF8.self)
        }
        let head = #"hello{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"#
        #expect(try await seen(false) == head + #""interactive":false}}"#)
        let cluster =
            #"{"certificate-authority-data":"Q0E=","config":{"audience":"x"},"#
            + #""server":"https://api:6443","tls-server-name":"kube"}"#
        #expect(try await seen(true) == head + #""cluster":\#(cluster),"interactive":false}}"#)
        #expect(try await seen(true, proxy: "http://me:x@proxy:1").contains(#""proxy-url":"http://me:x@proxy:1""#))
        #expect(try await seen(false, hasTerminal: true) == head + #""interactive":true}}"#)
        #expect(try await seen(false, mode: .always, hasTerminal: true) == head + #""interactive":true}}"#)
        #expect(try await seen(false, mode: .never, hasTerminal: true) == head + #""interactive":false}}"#)
    }

    @Test("that needs a terminal makes no client without one")
    func noTerminal() async throws {
        let error = try await failure { () async throws(KubernetesError) in try await run("", mode: .always) }
        #expect(error.code == .configuration)
        #expect(
            error.message == "the credential plug-in '/bin/sh' needs a terminal (interactiveMode: Always), and the "
                + "standard input of this process is none")
    }

    @Test("that fails is quoted from its standard error, never from its standard output")
    func failing() async throws {
        let message = try await complaint("echo hunter2; echo log in first >&2; exit 3")
        #expect(message.contains("'/bin/sh' failed (exited(3)): log in first"))
        #expect(!message.contains("hunter2"))
        let long = try await complaint("yes no | head -c 100000 >&2; echo the end >&2; exit 1")
        #expect(long.hasSuffix("the end") && long.count < 1_200)
    }

    @Test(
        "that prints unusable output is refused without a quotation",
        arguments: [
            ("echo hunter2", "printed no JSON"),
            (#"echo '{"kind":"hunter2"}'"#, "printed no ExecCredential of client.authentication.k8s.io/v1,"),
            (
                #"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}'"#,
                "printed no ExecCredential of client.authentication.k8s.io/v1,"
            ),
        ])
    func nonsense(script: String, complaint expected: String) async throws {
        let message = try await complaint(script)
        #expect(message.contains(expected))
        #expect(!message.contains("hunter2"))
    }

    @Test(
        "that supplies an incomplete credential is refused",
        arguments: [
            ("{}", "neither a token nor a client certificate"),
            (#"{"clientCertificateData":"C"}"#, "without its key"),
            (#"{"clientKeyData":"K"}"#, "without its certificate"),
            (#"{"token":"t","expirationTimestamp":"tomorrow"}"#, "expirationTimestamp"),
        ])
    func incomplete(status: String, complaint expected: String) async throws {
        #expect(try await complaint(print(status)).contains(expected))
    }

    @Test("that is missing is named, with the install hint")
    func missing() async throws {
        for command in ["no-such-plugin", "/absent/plugin"] {
            let error = try await failure { () async throws(KubernetesError) in
                try await run("", hint: "apt install it", command: command)
            }
            #expect(error.message.contains("'\(command)' is not installed or not on the PATH; apt install it"))
        }
    }

    @Test("that hangs is ended with its child processes after its time limit")
    func hanging() async throws {
        let start = ContinuousClock.now
        let error = try await failure { () async throws(KubernetesError) in
            try await run("sleep 50 & sleep 60", limit: .milliseconds(200))
        }
        #expect(error.message.contains("did not end within 200 ms"))
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
