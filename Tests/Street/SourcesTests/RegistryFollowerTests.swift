import IsthmusTesting
import Logging
import Services
import Sources
import Testing

@Suite("a follower and its reader", .timeLimit(.minutes(1)))
struct RegistryFollowerTests {
    private let clock = ManualClock()
    private let requests = ReadRequests()
    private let view = Observed(View())
    private let log = LogRecorder()

    private func follow(_ reader: any RegistryReader, _ body: @Sendable @escaping () async throws -> Void) async throws
    {
        let follower = RegistryFollower(reader: reader, clock: clock, logger: log.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [view, requests] in
                await follower.run(requests: requests) { event in view.change { $0.take(event) } }
            }
            try await body()
            group.cancelAll()
        }
        #expect(view.value.violations == [])
    }

    /// Returns when the view has these instances, and no others.
    private func wait(for services: [String: [Int]]) async {
        await view.wait { view in
            view.isComplete && view.names == Set(services.keys)
                && services.allSatisfy { Set(view[$0].keys) == Set($1.map(InstanceKey.sample)) }
        }
    }

    /// Moves the clock to the next time that something waits for.
    private func passPause() async {
        if let pause = await clock.nextDeadline() { clock.advance(by: pause) }
    }

    /// Moves the clock to each time that something waits for, as long as what holds does.
    private func passPauses(while holds: @Sendable () -> Bool) async throws {
        func pass() async -> Bool {
            if holds(), clock.sleeperCount > 0 { await passPause() }
            return holds()
        }
        try await yield(while: await pass())
    }

    @Test("polling: each interval shows what the registry has, and a failure shows nothing new")
    func polling() async throws {
        let reader = PollingReader()
        reader.registry.change { $0.services = ["a": [1], "b": [2]] }
        try await follow(reader) {
            await wait(for: ["a": [1], "b": [2]])
            reader.registry.change { $0.services = ["a": [1, 3]] }
            await passPause()
            await wait(for: ["a": [1, 3]])

            reader.registry.change { $0 = .init(isDown: true) }
            await passPause()
            await view.wait { !$0.isComplete }
            #expect(view.value["a"].count == 2)
            reader.registry.change { $0 = .init(services: ["c": [4]]) }
            await passPause()
            await wait(for: ["c": [4]])
        }
        #expect(log.count(of: "registry unreadable") == 1)
    }

    @Test("polling: many names are read with bounded concurrency")
    func manyNames() async throws {
        let reader = PollingReader()
        let services = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("\($0)", [$0]) })
        reader.registry.change { $0.services = services }
        try await follow(reader) { await wait(for: services) }
    }

    @Test("blocking queries: changes, new names and names that go are shown as they come")
    func blocking() async throws {
        let reader = BlockingReader()
        reader.registry.change { $0.set("a", [1]) }
        try await follow(reader) {
            await wait(for: ["a": [1]])
            reader.registry.change { $0.set("a", [1, 2]) }
            await wait(for: ["a": [1, 2]])
            reader.registry.change { $0.set("b", [3]) }
            await wait(for: ["a": [1, 2], "b": [3]])
            reader.registry.change { $0.set("a", []) }
            await wait(for: ["b": [3]])
            reader.registry.change { $0.set("b", [4]) }
            await wait(for: ["b": [4]])
        }
    }

    @Test("blocking queries: an index that goes backwards leads to a full read")
    func restored() async throws {
        let reader = BlockingReader()
        reader.registry.change { $0.set("a", [1]) }
        try await follow(reader) {
            await wait(for: ["a": [1]])
            reader.registry.change { registry in
                registry = .init(index: 7)
                registry.set("a", [5])
            }
            await wait(for: ["a": [5]])
        }
        #expect(log.count(of: "registry changes lost") == 1)
    }

    @Test("a name that can't be read is read again after a pause, and keeps its last good view until then")
    func failing() async throws {
        let reader = BlockingReader()
        reader.registry.change { $0.set("a", [1]) }
        try await follow(reader) {
            await wait(for: ["a": [1]])
            reader.registry.change { $0.failing = ["a"] }
            requests.read(["a"])
            try await passPauses { !view.value.unreadable.contains("a") }
            #expect(view.value["a"].count == 1)
            reader.registry.change { $0.failing = [] }
            try await passPauses { view.value.unreadable.contains("a") }
            await wait(for: ["a": [1]])
        }
    }
}
