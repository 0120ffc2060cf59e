internal import JSON

extension ClusterConfiguration {
    /// A program that supplies credentials (`exec` in a kubeconfig, the API group `client.authentication.k8s.io`).
    ///
    /// It runs before the first request, again shortly before its credential expires, and once after the server has
    /// refused the credential. It must end within ``KubernetesClient/Options/credentialTimeout``.
    public struct CredentialPlugin: Sendable, Hashable {
        /// A version of the protocol (`ExecCredential`). A later version of the library may add values.
        public struct APIVersion: Sendable, Hashable {
            /// The value of `apiVersion` in an `ExecCredential`.
            let name: String

            public static let v1 = Self(name: "client.authentication.k8s.io/v1")
            public static let v1beta1 = Self(name: "client.authentication.k8s.io/v1beta1")

            static let all = [v1, v1beta1]
        }

        /// Whether the program talks to a person. A later version of the library may add values.
        public struct InteractiveMode: Sendable, Hashable {
            /// The value of `interactiveMode` in a kubeconfig.
            let name: String

            /// The program gets no terminal.
            public static let never = Self(name: "Never")
            /// The program gets the terminal where the standard input of this process is one.
            public static let ifAvailable = Self(name: "IfAvailable")
            /// The program gets the terminal. Where there is none, a client cannot be made.
            public static let always = Self(name: "Always")

            static let all = [never, ifAvailable, always]
        }

        /// The name of a program on the `PATH`, or a program's path.
        public var command: String
        public var arguments: [String]
        /// Variables that are added to the environment of this process.
        public var environment: [String: Secret]
        /// The version of the protocol that the program uses.
        public var apiVersion: APIVersion
        /// How to install the program. The error of a missing program repeats it.
        public var installHint: String?
        /// Whether the program reads the standard input of this process, and writes to its standard error.
        public var interactiveMode: InteractiveMode
        /// Whether the program receives the cluster's server, authority and ``clusterConfiguration``.
        public var providesClusterInfo: Bool
        /// The cluster's settings for this program, as JSON: the kubeconfig's extension
        /// `client.authentication.k8s.io/exec`.
        public var clusterConfiguration: [UInt8]?

        public init(
            command: String, arguments: [String] = [], environment: [String: Secret] = [:],
            apiVersion: APIVersion = .v1, installHint: String? = nil,
            interactiveMode: InteractiveMode = .never, providesClusterInfo: Bool = false,
            clusterConfiguration: [UInt8]? = nil
        ) {
            self.command = command
            self.arguments = arguments
            self.environment = environment
            self.apiVersion = apiVersion
            self.installHint = installHint
            self.interactiveMode = interactiveMode
            self.providesClusterInfo = providesClusterInfo
            self.clusterConfiguration = clusterConfiguration
        }
    }
}

extension ClusterConfiguration.CredentialPlugin {
    /// The name of the cluster's extension that holds the settings for the program.
    private static let extensionName = "client.authentication.k8s.io/exec"

    init(exec: KubeconfigNode, cluster: KubeconfigNode) throws(KubernetesError) {
        guard let command = try exec.path("command", onlyIfSeparated: true) else {
            throw exec.failure("command", "is missing")
        }
        let version = try Self.apiVersion(of: exec)
        self.init(
            command: command, arguments: try exec.strings("args"), apiVersion: version,
            installHint: try exec.string("installHint"), interactiveMode: try Self.interactiveMode(of: exec, version),
            providesClusterInfo: try exec.bool("provideClusterInfo"))
        for variable in try exec.children("env") {
            guard let name = try variable.string("name") else { throw variable.failure("name", "is missing") }
            environment[name] = Secret(try variable.string("value") ?? "")
        }
        for entry in try cluster.children("extensions") where try entry.string("name") == Self.extensionName {
            clusterConfiguration = try entry.json("extension")?.bytes
        }
    }

    private static func apiVersion(of exec: KubeconfigNode) throws(KubernetesError) -> APIVersion {
        let known = APIVersion.all.map(\.name).joined(separator: " or ")
        guard let text = try exec.string("apiVersion") else {
            throw exec.failure("apiVersion", "is missing; it must be \(known)")
        }
        guard let version = APIVersion.all.first(where: { $0.name == text }) else {
            throw exec.failure("apiVersion", "'\(text)' is not supported; it must be \(known)")
        }
        return version
    }

    private static func interactiveMode(
        of exec: KubeconfigNode, _ version: APIVersion
    ) throws(KubernetesError) -> InteractiveMode {
        guard let text = try exec.string("interactiveMode") else {
            if version == .v1beta1 { return .ifAvailable }
            throw exec.failure("interactiveMode", "is missing; it must be Never, IfAvailable or Always")
        }
        guard let mode = InteractiveMode.all.first(where: { $0.name == text }) else {
            throw exec.failure("interactiveMode", "'\(text)' must be Never, IfAvailable or Always")
        }
        return mode
    }
}
