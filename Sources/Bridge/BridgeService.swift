internal import Catalog
internal import Deliveries
package import Logging
internal import ServiceLifecycle

/// The whole street, put together from a configuration and run as one service.
package struct BridgeService: ServiceLifecycle.Service {
    private let parts: BridgeParts
    private let logger: Logger

    /// - Throws: `KubernetesError` for a cluster that can't be used. Nothing is connected yet.
    package init(_ configuration: BridgeConfiguration, logger: Logger) throws {
        parts = try BridgeParts(configuration, logger: logger)
        self.logger = logger
    }

    /// Runs until the task is cancelled or a graceful shutdown is asked for; then closes sessions and connections.
    package func run() async throws {
        let pipeline = parts.pipeline
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for delivery in parts.deliveries { group.addTask { await delivery.run(desired: pipeline) } }
                for source in parts.sources {
                    group.addTask { await pipeline.follow(source) }
                    group.addTask { await pipeline.watchHolds(of: source.name) }
                }
                group.addTask { await pipeline.expireEmptyEntries() }
            }
        }
        await parts.shutdown()
        logger.info("stopped")
    }
}

package enum Version {
    package static let current = "0.1.0"
}
