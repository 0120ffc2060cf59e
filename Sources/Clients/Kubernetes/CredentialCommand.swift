internal import Concurrency
internal import FoundationEssentials
internal import JSON
internal import Subprocess
internal import Text

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif
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
    /// Whether the plug-in talks to the person at the terminal of this process.
    private let isInteractive: Bool
    /// The value of the environment variable: an `ExecCredential`.
    let info: String
    let limit: Duration
    let stopwatch: Stopwatch

    /// - Parameter hasTerminal: whether the standard input of this process is a terminal.
    /// - Throws: `KubernetesError` with `configuration`.
    init(
        _ plugin: ClusterConfiguration.CredentialPlugin, for configuration: ClusterConfiguration, authority: [UInt8]?,
        limit: Duration, stopwatch: Stopwatch, hasTerminal: Bool = isatty(STDIN_FILENO) == 1
    ) throws(KubernetesError) {
        self.plugin = plugin
        self.limit = limit
        self.stopwatch = stopwatch
        isInteractive = hasTerminal && plugin.interactiveMode != .never
        guard isInteractive || plugin.interactiveMode != .always else {
            throw KubernetesError(
                code: .configuration,
                message: "the credential plug-in '\(plugin.command)' needs a terminal (interactiveMode: Always), "
                    + "and the standard input of this process is none")
        }
        info = try Self.info(plugin, configuration, authority: authority, isInteractive: isInteractive)
    }

    /// - Throws: `KubernetesError` with `credentialsUnavailable`, whose message quotes the program's standard error and
    ///   never its standard output; `cancelled` when the task is cancelled.
    func run() async throws(KubernetesError) -> PluginCredential {
        let outcome = await stopwatch.run(within: limit) {
            isInteractive ? try await executeAtTerminal() : try await execute()
        }
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
        let result = try await Subprocess.run(
            executable, arguments: Arguments(plugin.arguments), environment: environment, platformOptions: options,
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

    /// The program stays in the process group of this process: another one may not read from the terminal. The person
    /// sees its standard error, so that no error has to quote it.
    private func executeAtTerminal() async throws -> Output {
        let result = try await Subprocess.run(
            executable, arguments: Arguments(plugin.arguments), environment: environment,
            input: .currentStandardInput, output: .bytes(limit: Self.maximumOutput), error: .currentStandardError)
        return Output(
            isSuccess: result.terminationStatus.isSuccess, status: "\(result.terminationStatus)",
            output: result.standardOutput, complaint: "")
    }

    private var executable: Executable {
        plugin.command.contains("/") ? .path(FilePath(plugin.command)) : .name(plugin.command)
    }

    private var environment: Subprocess.Environment {
        var variables: [Subprocess.Environment.Key: String?] = [.init(stringLiteral: Self.variable): info]
        for (name, value) in plugin.environment { variables[.init(stringLiteral: name)] = value.value }
        return .inherit.updating(variables)
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
        _ plugin: ClusterConfiguration.CredentialPlugin, _ configuration: ClusterConfiguration, authority: [UInt8]?,
        isInteractive: Bool
    ) throws(KubernetesError) -> String {
        var specification = JSONObject()
        specification["interactive"] = .bool(isInteractive)
        if plugin.providesClusterInfo {
            var cluster = JSONObject()
            cluster["server"] = .string(configuration.server)
            cluster["tls-server-name"] = configuration.tlsServerName.map { .string($0) }
            if configuration.insecureSkipTLSVerify { cluster["insecure-skip-tls-verify"] = true }
            cluster["certificate-authority-data"] = authority.map { .string(Data($0).base64EncodedString()) }
            // The program finds a proxy of the environment by itself.
            if let proxy = configuration.proxy, proxy.variable == nil {
                cluster["proxy-url"] = .string(proxy.url)
            }
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
