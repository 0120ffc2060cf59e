import ArgumentParser
import Bridge
import Logging

/// Where a configuration comes from: a file, or a few flags. The same for every command.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("A registry: zookeeper://HOST:PORT[,HOST:PORT…][/dubbo-root].", valueName: "url"))
    var registry: String?

    @Option(
        help: ArgumentHelp(
            "The cluster. Default: the pod's own, else $KUBECONFIG, else ~/.kube/config.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context of the kubeconfig. Default: its current one.", valueName: "name"))
    var context: String?

    @Option(help: ArgumentHelp("Where the resources go. Default: the context's namespace.", valueName: "name"))
    var namespace: String?

    @Option(help: ArgumentHelp("The name of this installation, by which it knows its objects.", valueName: "name"))
    var instance: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level?

    func validate() throws {
        guard (config == nil) != (registry == nil) else {
            throw ValidationError("Give either --config or --registry.")
        }
        let others = [kubeconfig, context, namespace, instance].compactMap { $0 }
        guard config == nil || others.isEmpty else {
            throw ValidationError("With --config, everything else stands in the file.")
        }
    }

    /// - Parameter standard: The level where the flags name none.
    func logger(_ standard: Logger.Level) -> Logger { .standardError(logLevel ?? standard) }

    /// Reads the configuration and makes something of it; what can't be used ends the program with exit code 78.
    /// - Parameter admin: The flag of that name, which only `run` has.
    func use<Value>(admin: String? = nil, _ make: (BridgeConfiguration) throws -> Value) throws -> Value {
        do {
            if let config { return try make(try BridgeConfiguration(file: config)) }
            return try make(
                try BridgeConfiguration(
                    registry: registry ?? "", kubeconfig: kubeconfig, context: context, namespace: namespace,
                    instance: instance, admin: admin))
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
    }
}
