internal import Eureka
internal import HTTP
internal import Logging
internal import Sources

/// The applications of a Eureka.
struct EurekaSource: Source {
    let name: String
    private let follower: RegistryFollower

    init(_ settings: EurekaSettings, _ context: SourceContext, clock: some Clock<Duration> = ContinuousClock()) {
        name = context.name
        let decoder = EurekaDecoder(
            naming: settings.naming, policy: settings.policy, keptAttributes: context.keptAttributes,
            hosts: context.hosts)
        let client = settings.client
        var intervals = EurekaReader.Intervals()
        intervals.changes = settings.interval
        let reader = EurekaReader(
            servers: client.servers, decoder: decoder, selection: settings.applications,
            absenceDelay: settings.absenceDelay, intervals: intervals, clock: clock, logger: context.logger
        ) { (server) throws(EurekaError) in try await EurekaClient.connecting(to: server, client) }
        follower = RegistryFollower(reader: reader, clock: clock, logger: context.logger)
    }

    func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}
