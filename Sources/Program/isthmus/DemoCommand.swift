import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "The whole street on embedded parts, no server needed.",
        discussion: """
            A ZooKeeper and an API server in memory, on loopback and on their real wire protocols, with the bridge
            between them. A stock kubectl can watch along.
            """)

    @Flag(help: "Play one scene and exit.")
    var once = false

    func run() async throws {
        let logger = Logger.standardError(.warning)
        let demo = ServiceGroupConfiguration.ServiceConfiguration(
            service: Demo(once: once, logger: logger), successTerminationBehavior: .gracefullyShutdownGroup)
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [demo], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }
}
