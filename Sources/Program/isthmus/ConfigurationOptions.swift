import ArgumentParser
import Bridge

/// The source of the configuration for every command: a file, or a few flags.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("A registry: \(Kinds.standard.urlForms).", valueName: "url"))
    var registry: String?

    @Option(
        help: ArgumentHelp(
            "The cluster. Default: the pod's own, else $KUBECONFIG, else ~/.kube/config.", valueName: "file"))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context of the kubeconfig. Default: its current one.", valueName: "name"))
    var context: String?

    @Option(help: ArgumentHelp("The namespace of the resources. Default: the context's.", valueName: "name"))
    var namespace: String?

    @Option(
        help: ArgumentHelp("The name of this installation. It marks the objects that are its own.", valueName: "name"))
    var instance: String?

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (config == nil) != (registry == nil) else {
            throw ValidationError(
                "Give either --config or --registry.\nThe bridge at work without any server: isthmus demo")
        }
        let others = [kubeconfig, context, namespace, instance].compactMap { $0 }
        guard config == nil || others.isEmpty else {
            throw ValidationError("With --config, the file has all other settings.")
        }
    }

    /// Reads the configuration and passes it to `make`. A configuration that can't be used ends the program with exit
    /// code 78.
    /// - Parameter admin: The flag `--admin`, which only `run` has.
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
