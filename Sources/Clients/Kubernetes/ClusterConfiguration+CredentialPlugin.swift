internal import JSON

extension ClusterConfiguration {
    /// A program that hands out credentials (`exec` in a kubeconfig, the API group `client.authentication.k8s.io`).
    ///
    /// It runs before the first request, again when what it gave is about to expire, and once after the server refused
    /// that. It runs without a terminal and must end within ``KubernetesClient/Options/credentialTimeout``.
    public struct CredentialPlugin: Sendable, Hashable {
        /// The version of `ExecCredential` that is spoken with the program.
        public enum APIVersion: String, Sendable, Hashable, CaseIterable {
            case v1 = "client.authentication.k8s.io/v1"
            case v1beta1 = "client.authentication.k8s.io/v1beta1"
        }

        /// A program on the `PATH`, or the path of one.
        public var command: String
        public var arguments: [String]
        /// Added to the environment of this process.
        public var environment: [String: Secret]
        public var apiVersion: APIVersion
        /// Tells people how to get the program when it is missing.
        public var installHint: String?
        /// Whether the program is told of the cluster: its server, authority and ``clusterConfiguration``.
        public var providesClusterInfo: Bool
        /// What the kubeconfig says of the cluster for this program alone, as JSON.
        public var clusterConfiguration: [UInt8]?

        public init(
            command: String, arguments: [String] = [], environment: [String: Secret] = [:],
            apiVersion: APIVersion = .v1, installHint: String? = nil, providesClusterInfo: Bool = false,
            clusterConfiguration: [UInt8]? = nil
        ) {
            self.command = command
            self.arguments = arguments
            self.environment = environment
            self.apiVersion = apiVersion
            self.installHint = installHint
            self.providesClusterInfo = providesClusterInfo
            self.clusterConfiguration = clusterConfiguration
        }
    }
}

extension ClusterConfiguration.CredentialPlugin {
    /// The cluster's extension of this name is handed on to the program.
    private static let extensionName = "client.authentication.k8s.io/exec"

    init(exec: KubeconfigNode, cluster: KubeconfigNode) throws(KubernetesError) {
        guard let command = try exec.path("command", onlyIfSeparated: true) else {
            throw exec.failure("command", "is missing")
        }
        let version = try Self.apiVersion(of: exec)
        try Self.checkInteraction(of: exec, version)
        self.init(
            command: command, arguments: try exec.strings("args"), apiVersion: version,
            installHint: try exec.string("installHint"), providesClusterInfo: try exec.bool("provideClusterInfo"))
        for variable in try exec.children("env") {
            guard let name = try variable.string("name") else { throw variable.failure("name", "is missing") }
            environment[name] = Secret(try variable.string("value") ?? "")
        }
        for entry in try cluster.children("extensions") where try entry.string("name") == Self.extensionName {
            clusterConfiguration = try entry.json("extension")?.bytes
        }
    }

    private static func apiVersion(of exec: KubeconfigNode) throws(KubernetesError) -> APIVersion {
        let known = APIVersion.allCases.map(\.rawValue).joined(separator: " or ")
        guard let text = try exec.string("apiVersion") else {
            throw exec.failure("apiVersion", "is missing; it must be \(known)")
        }
        guard let version = APIVersion(rawValue: text) else {
            throw exec.failure("apiVersion", "'\(text)' is not supported; it must be \(known)")
        }
        return version
    }

    /// No terminal is handed to the program, as is usual for what runs on its own.
    private static func checkInteraction(of exec: KubeconfigNode, _ version: APIVersion) throws(KubernetesError) {
        switch try exec.string("interactiveMode") {
        case "Never", "IfAvailable": break
        case "Always":
            throw exec.failure(
                "interactiveMode", "'Always' asks for a terminal, which this client does not hand to a plug-in")
        case nil:
            if version == .v1 {
                throw exec.failure("interactiveMode", "is missing; it must be Never, IfAvailable or Always")
            }
        case let text?: throw exec.failure("interactiveMode", "'\(text)' must be Never, IfAvailable or Always")
        }
    }
}
