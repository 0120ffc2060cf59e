import JSON
import Testing

@testable import Kubernetes

@Suite("An exec entry of a kubeconfig", .timeLimit(.minutes(1)))
struct CredentialPluginConfigurationTests {
    private func read(_ exec: String, cluster: String = "server: https://api") async throws -> ClusterConfiguration {
        let user = "exec:\n  " + exec.replacing("\n", with: "\n  ")
        return try await withFiles(["config": KubeconfigTests.text(cluster: cluster, user: user)]) { folder in
            var configuration = try ClusterConfiguration.kubeconfig(path: "\(folder)/config", context: nil)
            if let command = configuration.credentialPlugin?.command {
                configuration.credentialPlugin?.command = command.replacing(folder, with: "FOLDER")
            }
            return configuration
        }
    }

    @Test("names a program and its input")
    func complete() async throws {
        let configuration = try await read(
            """
            apiVersion: client.authentication.k8s.io/v1
            command: aws
            args: [eks, get-token]
            env: [{name: AWS_PROFILE, value: me}]
            installHint: apt install it
            provideClusterInfo: true
            interactiveMode: IfAvailable
            """,
            cluster: """
                server: https://api
                extensions:
                - name: other
                  extension: {a: 1}
                - name: client.authentication.k8s.io/exec
                  extension: {audience: "7", port: 7, deep: {list: [true, null, x]}}
                """)
        #expect(
            configuration.credentialPlugin
                == .init(
                    command: "aws", arguments: ["eks", "get-token"], environment: ["AWS_PROFILE": Secret("me")],
                    installHint: "apt install it", interactiveMode: .ifAvailable, providesClusterInfo: true,
                    clusterConfiguration: Array(
                        #"{"audience":"7","deep":{"list":[true,null,"x"]},"port":7}"#.utf8)))
    }

    @Test("resolves the path of a program, but not a mere name, against the kubeconfig's folder")
    func paths() async throws {
        func command(_ text: String) async throws -> String? {
            try await read("apiVersion: client.authentication.k8s.io/v1beta1\ncommand: \(text)")
                .credentialPlugin?.command
        }
        #expect(try await command("aws") == "aws")
        #expect(try await command("bin/aws") == "FOLDER/bin/aws")
        #expect(try await command("/usr/bin/aws") == "/usr/bin/aws")
    }

    @Test(
        "that cannot be used is refused by file, line and key",
        arguments: [
            ("command: a", "exec.apiVersion: is missing; it must be client.authentication.k8s.io/v1 or"),
            (
                "apiVersion: client.authentication.k8s.io/v1alpha1\ncommand: a",
                "'client.authentication.k8s.io/v1alpha1' is not supported"
            ),
            ("apiVersion: client.authentication.k8s.io/v1\ncommand: a", "exec.interactiveMode: is missing"),
            (
                "apiVersion: client.authentication.k8s.io/v1\ncommand: a\ninteractiveMode: Sometimes",
                "'Sometimes' must be Never, IfAvailable or Always"
            ),
            ("apiVersion: client.authentication.k8s.io/v1beta1", "exec.command: is missing"),
        ])
    func refused(exec: String, complaint: String) async throws {
        let error = await #expect(throws: KubernetesError.self) { _ = try await read(exec) }
        #expect(error?.message.contains(complaint) == true)
        #expect(error?.message.contains(#/config:\d+:\d+: users\[0\]\.user\.exec\./#) == true)
    }

    @Test("may leave out the interactive mode in v1beta1, as kubectl's default is IfAvailable")
    func interactiveMode() async throws {
        func mode(_ rest: String) async throws -> ClusterConfiguration.CredentialPlugin.InteractiveMode? {
            try await read("command: a\napiVersion: client.authentication.k8s.io/\(rest)")
                .credentialPlugin?.interactiveMode
        }
        #expect(try await mode("v1beta1") == .ifAvailable)
        #expect(try await mode("v1\ninteractiveMode: Never") == .never)
        #expect(try await mode("v1\ninteractiveMode: Always") == .always)
    }

    @Test("is refused beside a token")
    func ambiguous() async throws {
        let user = "token: t\nexec: {command: a, apiVersion: client.authentication.k8s.io/v1beta1}"
        try await withFiles(["config": KubeconfigTests.text(user: user)]) { folder in
            let error = #expect(throws: KubernetesError.self) {
                try ClusterConfiguration.kubeconfig(path: "\(folder)/config", context: nil)
            }
            #expect(error?.message.contains("users[0].user.exec: contradicts the user's token") == true)
        }
    }
}
