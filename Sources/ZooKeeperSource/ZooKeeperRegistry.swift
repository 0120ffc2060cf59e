internal import AsyncAlgorithms
package import Catalog
package import Dubbo
package import Logging
package import ZooKeeper

/// A ZooKeeper ensemble in which Dubbo providers register, interface by interface.
package struct ZooKeeperRegistry: Source {
    /// Before a list is read again that could not be read.
    private static let retryPause = Duration.seconds(5)
    /// For names that are asked for one after the other: a second look need not be hasty.
    private static let gatheringTime = Duration.milliseconds(100)

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

    package func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        let (retries, retry) = AsyncStream.makeStream(of: Set<String>.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask { await client.run() }
            group.addTask {
                for await names in retries {
                    try? await Task.sleep(for: Self.retryPause)
                    requests.read(names)
                }
            }
            group.addTask {
                var follower = RegistryFollower(
                    client: client, layout: layout, decoder: decoder, watching: persistentWatches ? .tree : .lists,
                    logger: logger, emit: emit, retries: retry)
                let events = await client.events { [layout] in layout.concerns($0.path) }
                    .map { RegistryFollower.Input.event($0) }
                let requests = requests.gathered(for: Self.gatheringTime).map { RegistryFollower.Input.request($0) }
                for await input in merge(events, requests) { await follower.handle(input) }
            }
        }
    }
}
