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
            isthmus run --registry zookeeper://HOST:PORT[/dubbo-root] [--kubeconfig FILE] [--namespace NS]
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let logger = options.logger(.info)
        let bridge = try options.use { try BridgeService($0, logger: logger) }
        logger.info("started", metadata: ["version": "\(Version.current)"])
        try await ServiceGroup(services: [bridge], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    }
}
