internal import Logging
internal import Nacos
internal import Sources

/// The services of some namespaces of a Nacos.
struct NacosSource: Source {
    let name: String
    private let follower: RegistryFollower

    init(
        _ settings: NacosSettings, _ context: SourceContext, intervals: NacosReader.Intervals = .init(),
        clock: some Clock<Duration> = ContinuousClock()
    ) {
        name = context.name
        var clients: [String: any NamingClient] = [:]
        for namespace in settings.namespaces {
            var configuration = settings.client
            configuration.namespace = namespace
            // The follower reads everything again on each connection.
            configuration.resubscribes = false
            clients[namespace] = NacosClient(configuration, logger: context.logger)
        }
        let decoder = NacosDecoder(
            hasSeveralNamespaces: settings.namespaces.count > 1, clusterMeaning: settings.clusterMeaning,
            policy: settings.policy, keptAttributes: context.keptAttributes, hosts: context.hosts)
        let reader = NacosReader(
            clients: clients, decoder: decoder, selection: settings.selection,
            view: NacosView(absenceDelay: settings.absenceDelay), intervals: intervals, clock: clock,
            logger: context.logger)
        follower = RegistryFollower(reader: reader, clock: clock, logger: context.logger)
    }

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}

extension NacosClient: NamingClient {
    nonisolated func eachEvent(_ body: @Sendable (NacosEvent) async -> Void) async {
        for await event in events { await body(event) }
    }

    func names(of group: String) async throws(NacosError) -> [String] { try await serviceNames(group: group) }

    func watchNames() { watchServices() }
}
