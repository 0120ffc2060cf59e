import IsthmusTesting
import Logging
import Sources
import Testing

@Suite("Following a configuration centre", .timeLimit(.minutes(1)))
struct ConfigurationFollowerTests {
    /// A configuration centre in memory.
    private final class Centre: ConfigurationReader {
        struct State {
            var documents: [String: String] = [:]
            var listFailure: ReadFailure?
            var failures: [String: ReadFailure] = [:]
            var events: [ConfigurationEvent] = []
        }

        let state = Observed(State())
        private let changes = AsyncStream.makeStream(of: ConfigurationChange.self)

        func tell(_ change: ConfigurationChange) { changes.continuation.yield(change) }

        func run(report: @escaping @Sendable (ConfigurationChange) -> Void) async {
            for await change in changes.stream { report(change) }
        }

        func list() async throws(ReadFailure) -> Set<String> {
            let state = state.value
            if let failure = state.listFailure { throw failure }
            return Set(state.documents.keys)
        }

        func read(_ name: String) async throws(ReadFailure) -> String? {
            let state = state.value
            if let failure = state.failures[name] { throw failure }
            return state.documents[name]
        }

        func waitForEvent(_ event: ConfigurationEvent) async { await state.wait { $0.events.contains(event) } }
    }

    private static func withFollower(_ body: @Sendable (Centre) async throws -> Void) async throws {
        let centre = Centre()
        centre.state.change { $0.documents = ["a": "one", "b": "two"] }
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let follower = ConfigurationFollower(
            name: "ops", reader: centre, interval: .seconds(1_000_000), clock: HastyClock(), logger: silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await follower.run { event in centre.state.change { $0.events.append(event) } }
            }
            defer { group.cancelAll() }
            try await body(centre)
        }
    }

    private static let everything = ConfigurationEvent.complete(["a": .text("one"), "b": .text("two")])

    @Test("a connection shows all documents, and changes show one each")
    func changes() async throws {
        try await Self.withFollower { centre in
            centre.tell(.connected)
            await centre.waitForEvent(Self.everything)
            centre.state.change { $0.documents["a"] = "three" }
            centre.tell(.changed(name: "a"))
            await centre.waitForEvent(.changed(name: "a", .text("three")))
            centre.state.change { $0.documents["b"] = nil }
            centre.tell(.changed(name: "b"))
            await centre.waitForEvent(.removed(name: "b"))
        }
    }

    @Test("a list that fails is never an empty one: it is told, and tried again")
    func failingList() async throws {
        try await Self.withFollower { centre in
            centre.state.change { $0.listFailure = ReadFailure(.missing, reason: "no such znode") }
            centre.tell(.connected)
            await centre.waitForEvent(.interrupted(reason: "no such znode"))
            centre.state.change { $0.listFailure = nil }
            await centre.waitForEvent(Self.everything)
            let events = centre.state.value.events
            #expect(!events.contains(.complete([:])))
        }
    }

    @Test("a document that is refused harms only itself, and one that fails for a moment is awaited")
    func failingDocument() async throws {
        try await Self.withFollower { centre in
            centre.state.change { $0.failures["a"] = ReadFailure(.refused, reason: "no right") }
            centre.tell(.connected)
            await centre.waitForEvent(.complete(["a": .unreadable(reason: "no right"), "b": .text("two")]))
            centre.state.change { $0.failures["a"] = ReadFailure(.passing, reason: "busy") }
            centre.tell(.outdated)
            await centre.waitForEvent(.interrupted(reason: "busy"))
            centre.state.change { $0.failures["a"] = nil }
            await centre.waitForEvent(Self.everything)
        }
    }

    @Test("a lost connection is told, and the next one begins with a full read")
    func reconnection() async throws {
        try await Self.withFollower { centre in
            centre.tell(.connected)
            await centre.waitForEvent(Self.everything)
            centre.tell(.disconnected(reason: "refused"))
            await centre.waitForEvent(.interrupted(reason: "refused"))
            centre.state.change { $0.documents = ["c": "new"] }
            centre.tell(.connected)
            await centre.waitForEvent(.complete(["c": .text("new")]))
        }
    }
}
