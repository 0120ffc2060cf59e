import Dubbo
import IsthmusTesting
import Logging
import NIOCore
import Sandbox
import Services
import Sources
import ZooKeeper
import ZooKeeperRegistry

/// A source that follows a ZooKeeper in memory, and what it says, one event after the other.
struct Scene: Sendable {
    let server: ZooKeeperServer
    let requests = ReadRequests()
    /// What the source says, as text, so that a test reads like a log.
    private let said = Said()

    static func run(
        replyLimit: Int = 1 << 20, eventCapacity: Int = 1000, persistentWatches: Bool = true, root: Bool = true,
        pauses: FollowerPauses = FollowerPauses(),
        _ body: @escaping @Sendable (Scene) async throws -> Void
    ) async throws {
        try await withZooKeeperServer { server in
            if root { try await server.makePath("/dubbo") }
            let scene = Scene(server: server)
            var settings = ZooKeeperClient.Configuration()
            settings.replyLimit = replyLimit
            settings.eventCapacity = eventCapacity
            let client = ZooKeeperClient(try ConnectionString(try await server.address), configuration: settings)
            let source = ZooKeeperSource(
                name: "zk", client: client, root: "/dubbo", decoder: ProviderDecoder(keptParameters: []),
                persistentWatches: persistentWatches, pauses: pauses,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await source.run(requests: scene.requests) { await scene.said.take($0) }
                }
                try await body(scene)
                group.cancelAll()
            }
        }
    }

    static func source(
        of server: ZooKeeperServer, root: String = "/dubbo", persistentWatches: Bool = true,
        readsRulesLast: Bool = false
    ) async throws -> ZooKeeperSource {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return ZooKeeperSource(
            name: "zk", client: ZooKeeperClient(try ConnectionString(try await server.address), logger: logger),
            root: root, decoder: ProviderDecoder(keptParameters: ["dubbo.tag", "region", "version", "zone"]),
            persistentWatches: persistentWatches, readsRulesLast: readsRulesLast, logger: logger)
    }

    /// What a source shows when it has read a server completely.
    static func firstView(
        of server: ZooKeeperServer, root: String = "/dubbo", persistentWatches: Bool = true
    ) async throws -> ShownRegistry {
        let source = try await source(of: server, root: root, persistentWatches: persistentWatches)
        let (events, continuation) = AsyncStream.makeStream(of: SourceEvent.self)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await source.run(requests: ReadRequests()) { continuation.yield($0) } }
            var shown = ShownRegistry()
            for await event in events {
                if case .complete = event { break }
                shown.take(event)
            }
            group.cancelAll()
            return shown
        }
    }

    /// The next `count` events.
    func next(_ count: Int = 1) async -> [String] {
        var events: [String] = []
        for _ in 0..<count { events.append(await said.next()) }
        return events
    }

    /// What the first read says, when there is nothing.
    func firstRead() async -> [String] { await next(2) }

    /// Until then the source waits with each event.
    func holdUp() { said.holdUp() }
    func goOn() { said.goOn() }

    static func node(_ interface: String, _ host: Int) -> String {
        "dubbo%3A%2F%2F10.0.0.\(host)%3A20880%2F\(interface)"
    }

    func register(_ interface: String, _ host: Int) async throws {
        try await server.makePath("/dubbo/\(interface)/providers/\(Self.node(interface, host))")
    }

    func deregister(_ interface: String, _ host: Int) async throws {
        try await server.perform(
            .delete(path: "/dubbo/\(interface)/providers/\(Self.node(interface, host))", version: -1))
    }
}

/// Events in their order; a reader waits for the next one, and the source for a reader who holds it up.
private final class Said: Sendable {
    private let events = AsyncStream.makeStream(of: String.self)
    private let gate = Gate()

    func take(_ event: SourceEvent) async {
        // These have tests of their own, and come when they like.
        if case .notes = event { return }
        await gate.pass()
        events.continuation.yield(event.text)
    }

    func next() async -> String {
        for await event in events.stream { return event }
        return "the end"
    }

    func holdUp() { gate.close() }
    func goOn() { gate.open() }
}

/// Lets pass while it is open.
private final class Gate: Sendable {
    private let isOpen = Observed(true)

    func pass() async { await isOpen.wait { $0 } }
    func close() { isOpen.change { $0 = false } }
    func open() { isOpen.change { $0 = true } }
}

extension SourceEvent {
    var text: String {
        switch self {
        case .begin: "begin"
        case .services(let name, let services):
            "\(name): \(services.values.flatMap(\.values).map { "\($0.host)" }.sorted().joined(separator: " "))"
        case .unreadable(let name, _, _): "\(name) is unreadable"
        case .complete: "complete"
        case .interrupted: "interrupted"
        case .added(let id, _, let instance): "\(id.name) + \(instance.host)"
        case .removed(let id, _, _): "\(id.name) -"
        case .notes(let notes): "notes: \(notes.map { "\($0.count) \($0.sort)" }.joined(separator: ", "))"
        }
    }
}
