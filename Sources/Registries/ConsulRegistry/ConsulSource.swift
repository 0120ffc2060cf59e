internal import Consul
internal import HTTP
internal import Logging
internal import Sources

/// The services of a Consul.
struct ConsulSource: Source {
    let name: String
    private let follower: RegistryFollower

    init(_ settings: ConsulSettings, _ context: SourceContext, clock: some Clock<Duration> = ContinuousClock()) {
        name = context.name
        var intervals = ConsulReader.Intervals()
        intervals.wait = settings.wait
        let decoder = ConsulDecoder(
            settings.rules, policy: settings.policy, keptAttributes: context.keptAttributes, hosts: context.hosts)
        let client = settings.client
        let reader = ConsulReader(
            servers: client.servers, connections: client.connections, decoder: decoder, selection: settings.selection,
            intervals: intervals, clock: clock, logger: context.logger
        ) { (server) throws(ConsulError) in try await ConsulClient.connecting(to: server, client) }
        follower = RegistryFollower(reader: reader, clock: clock, logger: context.logger)
    }

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}
