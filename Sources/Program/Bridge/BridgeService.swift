internal import Deliveries
package import Logging
internal import Pipeline
internal import Publishing
internal import ServiceLifecycle
internal import Services
internal import Snapshot
internal import Sources
internal import Translation

/// The whole street, put together from a configuration and run as one service.
package struct BridgeService: ServiceLifecycle.Service {
    let parts: BridgeParts
    let instance: String
    private let logger: Logger

    /// - Throws: What keeps a delivery from being used. Nothing is connected yet.
    package init(_ configuration: BridgeConfiguration, logger: Logger) throws {
        parts = try BridgeParts(configuration, isLasting: true, logger: logger)
        instance = configuration.translation.instance
        self.logger = logger
        for warning in configuration.warnings {
            logger.warning("configuration without effect", metadata: ["reason": "\(warning)"])
        }
    }

    /// Runs until the task is cancelled or a graceful shutdown is asked for; then closes sessions and connections.
    package func run() async throws {
        let (pipeline, publisher) = (parts.pipeline, parts.publisher)
        await cancelWhenGracefulShutdown {
            if let memory = parts.memory { await pipeline.recall(await memory.recall()) }
            await withDiscardingTaskGroup { group in
                if let memory = parts.memory { group.addTask { await memory.run(source: pipeline) } }
                for delivery in parts.deliveries { group.addTask { await delivery.run(desired: publisher) } }
                for source in parts.sources { group.addTask { await pipeline.follow(source) } }
                for source in parts.configurations { group.addTask { await publisher.follow(source) } }
                group.addTask { await publisher.keepTime() }
                group.addTask { await pipeline.keepTime() }
                group.addTask { await pipeline.waitForDeliveries() }
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
