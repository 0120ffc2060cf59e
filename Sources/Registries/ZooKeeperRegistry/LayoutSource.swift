internal import Declarations
internal import Logging
internal import Sources
internal import ZooKeeper

/// A ZooKeeper ensemble in which services register by declared layouts.
struct LayoutSource: Source {
    let name: String
    private let follower: RegistryFollower

    init(
        client: ZooKeeperClient, layouts: [DeclaredLayout], rejoin: Duration, _ context: SourceContext,
        clock: some Clock<Duration> = ContinuousClock()
    ) {
        name = context.name
        let decoders = layouts.decoders(
            protocols: DeclaredLayout.protocols, keptAttributes: context.keptAttributes, hosts: context.hosts)
        let reader = LayoutReader(
            client: client, trees: Set(layouts.beginnings.map(LayoutReader.tree)).sorted(),
            feed: DeclaredFeed(decoders: decoders, window: rejoin, clock: clock), logger: context.logger)
        follower = RegistryFollower(reader: reader, clock: clock, logger: context.logger)
    }

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}
