package import Catalog
package import Dubbo
package import Logging
package import ZooKeeper

/// A ZooKeeper ensemble in which Dubbo providers register, interface by interface.
package struct ZooKeeperRegistry: Source {
    package let name: String
    private let client: ZooKeeperClient
    private let layout: DubboLayout
    private let decoder: ProviderDecoder
    private let persistentWatches: Bool
    private let logger: Logger

    /// - Parameters:
    ///   - root: Dubbo's root, below the client's chroot: `/dubbo`, or `/` when the chroot is the root.
    ///   - persistentWatches: Whether to try persistent watches, which need ZooKeeper 3.6; older servers are recognized.
    package init(
        name: String, client: ZooKeeperClient, root: String, decoder: ProviderDecoder, persistentWatches: Bool = true,
        logger: Logger
    ) {
        self.name = name
        self.client = client
        self.layout = DubboLayout(root: root)
        self.decoder = decoder
        self.persistentWatches = persistentWatches
        self.logger = logger
    }

    package func run(emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await client.run() }
            group.addTask {
                var follower = RegistryFollower(
                    client: client, layout: layout, decoder: decoder, watching: persistentWatches ? .tree : .lists,
                    logger: logger, emit: emit)
                for await event in await client.events() { await follower.handle(event) }
            }
        }
    }
}
