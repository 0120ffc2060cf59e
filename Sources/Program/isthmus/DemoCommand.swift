import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the bridge between a registry and an API server in memory.",
        discussion: """
            ZooKeeper and the API server speak their real wire protocols on the loopback. No other server is needed, \
            and a stock kubectl can watch.
            """)

    @Flag(help: "Play one scene and exit.")
    var once = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = log.logger(.warning)
        let demo = ServiceGroupConfiguration.ServiceConfiguration(
            service: Demo(once: once, logger: logger), successTerminationBehavior: .gracefullyShutdownGroup)
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [demo], gracefulShutdownSignals: UnixSignal.stopping, logger: logger)
        ).run()
    }
}
