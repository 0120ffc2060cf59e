internal import Catalog
internal import Dubbo
internal import IstioAPI
internal import Logging
internal import Pipeline
internal import Services
internal import Sources
internal import Translation

/// The real pipeline between ends in memory.
struct Street: Sendable {
    typealias Emit = @Sendable (SourceEvent) async -> Void

    static let policy = TranslationPolicy(namespace: "dubbo", formats: [.dubbo])

    let registry: SyntheticRegistry
    let delivery: HashingDelivery

    init(_ extent: Extent, observe: @escaping @Sendable (ServiceEntry) -> Void = { _ in }) {
        registry = SyntheticRegistry(extent)
        delivery = HashingDelivery(logger: Self.logger, observe: observe)
    }

    private static var logger: Logger {
        var logger = Logger(label: "scale")
        logger.logLevel = .error
        return logger
    }

    /// Runs the pipeline while `body` plays the source.
    func run(_ body: @escaping @Sendable (_ emit: @escaping Emit) async -> Void) async {
        let pipeline = PipelineActor(
            policy: Self.policy, guardPolicy: GuardPolicy(), registries: [SyntheticRegistry.name],
            deliveries: [delivery], logger: Self.logger)
        await withDiscardingTaskGroup { group in
            group.addTask { await delivery.run(desired: pipeline) }
            group.addTask { await pipeline.expireEmptyEntries() }
            await pipeline.follow(Player(play: body))
            group.cancelAll()
        }
    }

    /// Emits one full read and waits until everything is delivered.
    func coldStart(_ emit: Emit) async {
        await emit(.begin)
        for service in 0..<registry.extent.services { await emit(registry.list(service)) }
        await emit(.complete)
        await delivery.waitForResources(registry.extent.services)
    }
}

/// A source that emits the events of a closure.
private struct Player: Source {
    let name = SyntheticRegistry.name
    let play: @Sendable (@escaping Street.Emit) async -> Void

    func run(requests: ReadRequests, emit: @escaping Street.Emit) async { await play(emit) }
}
