internal import Concurrency
internal import FoundationEssentials
internal import JSON
internal import Subprocess
internal import Text

#if canImport(System)
    internal import System
#else
    internal import SystemPackage
#endif

/// Runs a credential plug-in by the protocol of the API group `client.authentication.k8s.io`. The plug-in receives an
/// `ExecCredential` in an environment variable, and prints one with the credential on its standard output.
struct CredentialCommand: Sendable {
    /// The largest output, in bytes.
    static let maximumOutput = 1 << 20
    /// How many bytes an error quotes from the end of the plug-in's standard error.
    static let maximumComplaint = 1_000
    static let variable = "KUBERNETES_EXEC_INFO"

    let plugin: ClusterConfiguration.CredentialPlugin
    /// The value of the environment variable: an `ExecCredential`.
    let info: String
    let limit: Duration
    let stopwatch: Stopwatch

    init(
        _ plugin: ClusterConfiguration.CredentialPlugin, for configuration: ClusterConfiguration, authority: [UInt8]?,
        limit: Duration, stopwatch: Stopwatch
    ) throws(KubernetesError) {
        self.plugin = plugin
        self.limit = limit
        self.stopwatch = stopwatch
        info = try Self.info(plugin, configuration, authority: authority)
    }

    /// - Throws: `KubernetesError` with `credentialsUnavailable`, whose message quotes the program's standard error and
    ///   never its standard output; `cancelled` when the task is cancelled.
    func run() async throws(KubernetesError) -> PluginCredential {
        let outcome = await stopwatch.run(within: limit) { try await execute() }
        if Task.isCancelled {
            throw KubernetesError(code: .cancelled, message: "cancelled while the credential plug-in was running")
        }
        switch outcome {
        case .success(let result):
            guard result.isSuccess else { throw failure("failed (\(result.status))", complaint: result.complaint) }
            do throws(CredentialReply.Unusable) {
                return try CredentialReply.read(result.output, expecting: plugin.apiVersion, now: Date.now)
            } catch {
                throw failure(error.reason, complaint: result.complaint)
            }
        case .failure(let error): throw failure(starting: error)
        case nil: throw failure("did not end within \(limit.readable)")
        }
    }

    private struct Output: Sendable {
        var isSuccess: Bool
        var status: String
        var output: [UInt8]
        var complaint: String
    }

    private func execute() async throws -> Output {
        var options = PlatformOptions()
        // The program gets a process group of its own, so that its child processes end with it.
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500))
        ]
        var variables: [Subprocess.Environment.Key: String?] = [.init(stringLiteral: Self.variable): info]
        for (name, value) in plugin.environment { variables[.init(stringLiteral: name)] = value.value }
        let result = try await Subprocess.run(
            plugin.command.contains("/") ? .path(FilePath(plugin.command)) : .name(plugin.command),
            arguments: Arguments(plugin.arguments), environment: .inherit.updating(variables), platformOptions: options,
            input: .none, output: .bytes(limit: Self.maximumOutput), error: .sequence
        ) { execution in
            var tail: [UInt8] = []
            for try await chunk in execution.standardError {
                chunk.withUnsafeBytes { tail.append(contentsOf: $0) }
                if tail.count > Self.maximumComplaint { tail.removeFirst(tail.count - Self.maximumComplaint) }
            }
            return tail
        }
        return Output(
            isSuccess: result.terminationStatus.isSuccess, status: "\(result.terminationStatus)",
            output: result.standardOutput, complaint: String(decoding: result.closureResult, as: UTF8.self))
    }
}

extension CredentialCommand {
    private func failure(_ what: String, complaint: String = "") -> KubernetesError {
        let words = complaint.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return KubernetesError(
            code: .credentialsUnavailable,
            message: "the credential plug-in '\(plugin.command)' \(what)\(words.isEmpty ? "" : ": \(words)")")
    }

    private func failure(starting error: any Error) -> KubernetesError {
        switch (error as? SubprocessError)?.code {
        case .executableNotFound:
            let hint = plugin.installHint.map { "; \($0)" } ?? ""
            return failure("is not installed or not on the PATH\(hint)")
        case .outputLimitExceeded: return failure("printed more than \(Self.maximumOutput) bytes")
        default: return failure("could not be run: \(error)")
        }
    }

    /// The `ExecCredential` that the plug-in receives.
    private static func info(
        _ plugin: ClusterConfiguration.CredentialPlugin, _ configuration: ClusterConfiguration, authority: [UInt8]?
    ) throws(KubernetesError) -> String {
        var specification = JSONObject()
        specification["interactive"] = false
        if plugin.providesClusterInfo {
            var cluster = JSONObject()
            cluster["server"] = .string(configuration.server)
            cluster["tls-server-name"] = configuration.tlsServerName.map { .string($0) }
            if configuration.insecureSkipTLSVerify { cluster["insecure-skip-tls-verify"] = true }
            cluster["certificate-authority-data"] = authority.map { .string(Data($0).base64EncodedString()) }
            if let bytes = plugin.clusterConfiguration {
                guard let json = try? JSONValue(parsing: bytes) else {
                    throw KubernetesError(
                        code: .configuration,
                        message:
                            "the cluster's settings for the credential plug-in '\(plugin.command)' is not JSON")
                }
                cluster["config"] = json
            }
            specification["cluster"] = .object(cluster)
        }
        let document: JSONValue = [
            "apiVersion": .string(plugin.apiVersion.name), "kind": "ExecCredential", "spec": .object(specification),
        ]
        return String(decoding: document.bytes, as: UTF8.self)
    }
}
