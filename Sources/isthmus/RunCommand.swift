import ArgumentParser
import Bridge
import Logging
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Watch and deliver until stopped.",
        usage: """
            isthmus run --config isthmus.yaml
            isthmus run --registry zookeeper://HOST:PORT[,HOST:PORT…][/dubbo-root] [--kubeconfig FILE] [--namespace NS]
            """)

    @Option(help: ArgumentHelp("A configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("A registry to watch: zookeeper://HOST:PORT/dubbo-root.", valueName: "url"))
    var registry: String?

    @Option(
        help: ArgumentHelp(
            "The cluster to write to. Default: the pod's own, else $KUBECONFIG, else ~/.kube/config.", valueName: "file"
        ))
    var kubeconfig: String?

    @Option(help: ArgumentHelp("The context of the kubeconfig. Default: its current one.", valueName: "name"))
    var context: String?

    @Option(help: ArgumentHelp("Where the resources go. Default: the context's namespace.", valueName: "name"))
    var namespace: String?

    @Option(help: ArgumentHelp("The name of this installation, by which it knows its objects.", valueName: "name"))
    var instance: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .info

    func validate() throws {
        guard (config == nil) != (registry == nil) else {
            throw ValidationError("Give either --config or --registry.")
        }
        let others = [kubeconfig, context, namespace, instance].compactMap { $0 }
        guard config == nil || others.isEmpty else {
            throw ValidationError("With --config, everything else stands in the file.")
        }
    }

    func run() async throws {
        var logger = Logger(label: "isthmus", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = logLevel
        let bridge = try makeBridge(logger)
        logger.info("started", metadata: ["version": "\(Version.current)"])
        try await ServiceGroup(services: [bridge], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    }

    private func makeBridge(_ logger: Logger) throws -> BridgeService {
        do {
            return try BridgeService(try bridgeConfiguration(), logger: logger)
        } catch {
            logger.critical("the configuration can't be used", metadata: ["reason": "\(error)"])
            throw ExitCode(78)
        }
    }

    private func bridgeConfiguration() throws -> BridgeConfiguration {
        if let config { return try BridgeConfiguration(file: config) }
        return try BridgeConfiguration(
            registry: registry ?? "", kubeconfig: kubeconfig, context: context, namespace: namespace, instance: instance
        )
    }
}
