internal import AsyncAlgorithms
package import Dubbo
package import Logging
package import Sources
package import ZooKeeper

/// A ZooKeeper ensemble in which Dubbo providers register, interface by interface.
package struct ZooKeeperSource: Source {
    /// Before a list is read again that could not be read.
    private static let retryPause = Duration.seconds(5)
    /// Before a list is read again that was refused.
    package static let standardRefusalPause = Duration.seconds(300)
    /// For names that are asked for one after the other: a second look need not be hasty.
    private static let gatheringTime = Duration.milliseconds(100)

    package let name: String
    private let client: ZooKeeperClient
    private let layout: DubboLayout
    private let decoder: ProviderDecoder
    private let persistentWatches: Bool
    private let refusalPause: Duration
    private let logger: Logger

    /// - Parameters:
    ///   - root: Dubbo's root, below the client's chroot: `/dubbo`, or `/` when the chroot is the root.
    ///   - persistentWatches: Whether to try persistent watches, which need ZooKeeper 3.6; older servers are recognized.
    ///   - refusalPause: Before a list is read again that the bridge was not allowed to read.
    package init(
        name: String, client: ZooKeeperClient, root: String, decoder: ProviderDecoder, persistentWatches: Bool = true,
        refusalPause: Duration = standardRefusalPause, logger: Logger
    ) {
        self.name = name
        self.client = client
        self.layout = DubboLayout(root: root)
        self.decoder = decoder
        self.persistentWatches = persistentWatches
        self.refusalPause = refusalPause
        self.logger = logger
    }

    package func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        let (retries, retry) = AsyncStream.makeStream(of: Set<String>.self, bufferingPolicy: .bufferingNewest(1))
        let (refusals, refusal) = AsyncStream.makeStream(of: Set<String>.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask { await client.run() }
            for (stream, pause) in [(retries, Self.retryPause), (refusals, refusalPause)] {
                group.addTask {
                    for await names in stream {
                        try? await Task.sleep(for: pause)
                        requests.read(names)
                    }
                }
            }
            group.addTask {
                var follower = RegistryFollower(
                    client: client, layout: layout, decoder: decoder, watching: persistentWatches ? .tree : .lists,
                    logger: logger, emit: emit, retries: retry, refusals: refusal)
                let events = await client.events { [layout] in layout.concerns($0.path) }
                    .map { RegistryFollower.Input.event($0) }
                let requests = requests.gathered(for: Self.gatheringTime).map { RegistryFollower.Input.request($0) }
                for await input in merge(events, requests) { await follower.handle(input) }
            }
        }
    }
}
