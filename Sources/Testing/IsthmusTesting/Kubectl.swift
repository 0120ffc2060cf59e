/// Runs the stock `kubectl` against one kubeconfig.
public struct Kubectl: Sendable {
    public let kubeconfig: String
    private let executable: String
    private let home: TemporaryFolder

    /// - Parameters:
    ///   - kubeconfig: the path of a kubeconfig file.
    ///   - executable: the path of `kubectl`; by default the one on the `PATH`.
    /// - Throws: ``TestSupportError`` when a tool is missing.
    public init(kubeconfig: String, executable: String? = nil) throws {
        self.kubeconfig = kubeconfig
        self.executable = try executable ?? ServerTools.locate().kubectl
        home = try TemporaryFolder(label: "kubectl")
    }

    /// Runs it and returns what it printed.
    ///
    /// - Parameters:
    ///   - arguments: such as `"get", "serviceentries", "-n", "dubbo", "-o", "yaml"`.
    ///   - input: what it reads on its standard input, for `-f -`.
    /// - Throws: ``TestSupportError`` with its standard error when it fails.
    @discardableResult
    public func callAsFunction(_ arguments: String..., input: String? = nil) async throws -> String {
        // A home of its own, so that neither a user's configuration nor a discovery cache has a say.
        try await ChildProcess.outputOfRunning(
            executable, arguments, environment: ["KUBECONFIG": kubeconfig, "HOME": home.path], input: input)
    }
}
