import ArgumentParser
import Bridge
import Console
import Logging
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Follow the registries and deliver changes until stopped.",
        usage: """
            isthmus run --config isthmus.yaml
            isthmus run --registry zookeeper://HOST:PORT[/dubbo-root]
                        [--kubeconfig FILE] [--namespace NS] [--admin HOST:PORT]
            """,
        discussion: """
            Ends by SIGTERM, SIGINT or SIGHUP, and gives its lease back.

            Example: isthmus run --registry zookeeper://10.0.0.5:2181/dubbo --namespace dubbo --admin 8080
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "With --registry: where 'isthmus status' and probes are answered. PORT is on the loopback, :PORT everywhere.",
            valueName: "host:port"))
    var admin: String?

    func validate() throws {
        guard options.config == nil || admin == nil else {
            throw ValidationError("With --config, the file has all other settings.")
        }
    }

    func run() async throws {
        let logger = options.log.logger(.info)
        let (bridge, admin) = try options.use(admin: admin) { (try BridgeService($0, logger: logger), $0.admin) }
        var services = [ServiceGroupConfiguration.ServiceConfiguration(service: bridge)]
        if let admin {
            // The first service stops last: the endpoint answers until the bridge has stopped. The endpoint's end does
            // not end the bridge.
            services.insert(
                .init(service: server(admin, of: bridge, logger), successTerminationBehavior: .ignore), at: 0)
        }
        logger.info("bridge started", metadata: ["version": "\(Version.current)"])
        do {
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services, gracefulShutdownSignals: UnixSignal.stopping, logger: logger)
            ).run()
        } catch let error as AdminServer.Unavailable {
            throw failure(.failed, "\(error)")
        }
    }

    private func server(
        _ admin: BridgeConfiguration.Admin, of bridge: BridgeService, _ logger: Logger
    ) -> AdminServer {
        let endpoint = AdminEndpoint(
            token: { try await admin.token.token() }, status: { await bridge.status() },
            release: { await bridge.release($0, service: $1) }, logger: logger)
        return AdminServer(host: admin.host, port: admin.port, endpoint: endpoint, logger: logger)
    }
}
