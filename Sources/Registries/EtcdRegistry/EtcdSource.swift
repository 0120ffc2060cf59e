internal import Declarations
internal import Etcd
internal import Logging
internal import Sources

/// The services of an etcd, by declared layouts.
struct EtcdSource: Source {
    let name: String
    private let follower: RegistryFollower

    init(_ settings: EtcdSettings, _ context: SourceContext, clock: some Clock<Duration> = ContinuousClock()) {
        name = context.name
        let ranges = settings.layouts.beginnings
        var configuration = settings.client
        configuration.probeRange = EtcdKeyRange(prefix: ranges.first ?? "")
        let decoders = settings.layouts.decoders(
            protocols: DeclaredLayout.protocols, keptAttributes: context.keptAttributes, hosts: context.hosts)
        let reader = EtcdReader(
            client: EtcdClient(configuration, logger: context.logger), beginnings: ranges,
            feed: DeclaredFeed(decoders: decoders, window: settings.rejoin, clock: clock))
        follower = RegistryFollower(reader: reader, clock: clock, logger: context.logger)
    }

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}
