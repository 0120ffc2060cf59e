import Testing

@testable import Kubernetes

@Suite("A list of kubeconfigs", .timeLimit(.minutes(1)))
struct KubeconfigListTests {
    private func read(
        _ files: [String: String], list: [String], context: String? = nil
    ) async throws -> ClusterConfiguration {
        try await withFiles(files) { folder in
            try ClusterConfiguration.kubeconfig(
                path: nil, context: context,
                environment: Environment(
                    variables: ["KUBECONFIG": list.map { "\(folder)/\($0)" }.joined(separator: ":")]))
        }
    }

    private static let first = """
        clusters:
        - {name: shared, cluster: {server: "https://first"}}
        users:
        - {name: red, user: {token: first}}
        """

    private static let second = """
        current-context: both
        clusters:
        - {name: shared, cluster: {server: "https://second", tls-server-name: discarded}}
        - {name: other, cluster: {server: "https://other", certificate-authority: ca.crt}}
        users:
        - {name: red, user: {token: second, as: discarded}}
        contexts:
        - {name: both, context: {cluster: shared, user: red, namespace: here}}
        - {name: elsewhere, context: {cluster: other}}
        """

    @Test("takes each entry and each value from the first file that has it, entries whole")
    func merging() async throws {
        let third = "current-context: elsewhere"
        let configuration = try await read(
            ["1": Self.first, "2": Self.second, "3": third], list: ["1", "2", "3"])
        #expect(configuration.server == "https://first")
        #expect(configuration.tlsServerName == nil)
        #expect(configuration.namespace == "here")
        #expect(configuration.impersonation == nil)
        guard case .fixed(let token) = configuration.token?.source else { throw NothingThrown() }
        #expect(token.value == "first")
        #expect(
            try await read(["1": Self.first, "2": Self.second], list: ["2", "1"]).server == "https://second")
    }

    @Test("resolves a path against the folder of the file that holds it")
    func paths() async throws {
        try await withFiles(["2": Self.second, "ca.crt": "CA"]) { inner in
            try await withFiles(["1": Self.first]) { outer in
                let configuration = try ClusterConfiguration.kubeconfig(
                    path: nil, context: "elsewhere",
                    environment: Environment(variables: ["KUBECONFIG": "\(outer)/1:\(inner)/2"]))
                #expect(configuration.certificateAuthority == .file("\(inner)/ca.crt"))
            }
        }
    }

    @Test("skips files that are missing or empty, unless all are")
    func missing() async throws {
        let files = ["1": Self.first, "2": Self.second, "empty": ""]
        let configuration = try await read(files, list: ["absent", "1", "empty", "2"])
        #expect(configuration.server == "https://first")
        let error = await #expect(throws: KubernetesError.self) {
            _ = try await read(files, list: ["absent", "empty"])
        }
        #expect(error?.message.contains("/absent") == true)
        #expect(error?.message.contains("/empty") == true)
    }

    @Test("names the file, line and key of a mistake, and the contexts of all files")
    func mistakes() async throws {
        let wrong = await #expect(throws: KubernetesError.self) {
            _ = try await read(["1": Self.first, "2": "clusters: 5"], list: ["1", "2"], context: "x")
        }
        #expect(wrong?.message.contains("/1:1:1: current-context: ") == false)
        let unknown = await #expect(throws: KubernetesError.self) {
            _ = try await read(["1": Self.first, "2": Self.second], list: ["1", "2"], context: "x")
        }
        #expect(unknown?.message.contains("no context 'x'; the files have 'both', 'elsewhere'") == true)
    }
}
