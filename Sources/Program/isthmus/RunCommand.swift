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
            isthmus run --registry zookeeper://HOST:PORT[/dubbo-root] [--kubeconfig FILE] [--namespace NS]
                        [--admin HOST:PORT]
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "With --registry: the address of the admin endpoint, for 'isthmus status' and probes.",
            valueName: "host:port"))
    var admin: String?

    func validate() throws {
        guard options.config == nil || admin == nil else {
            throw ValidationError("With --config, the file has all other settings.")
        }
    }

    func run() async throws {
        let logger = options.logger(.info)
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
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
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
            release: { await bridge.release($0) }, logger: logger)
        return AdminServer(host: admin.host, port: admin.port, endpoint: endpoint, logger: logger)
    }
}
