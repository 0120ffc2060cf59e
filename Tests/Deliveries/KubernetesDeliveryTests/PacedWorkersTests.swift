import Deliveries
import IsthmusTesting
import IstioAPI
import KubernetesDelivery
import Logging
import Planning
import Testing

@Suite("workers with a pacing", .timeLimit(.minutes(1)))
struct PacedWorkersTests {
    private static let pause = Duration.milliseconds(130)

    private let clock = ManualClock()
    private let wishes = Wishes()

    private func key(_ name: String) -> ResourceKey { .in(name) }

    private func workers(_ concurrency: ClosedRange<Int> = 1...1) -> DeliveryWorkers {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return DeliveryWorkers(
            name: "test", pacing: Pacing(concurrency: concurrency, pause: Self.pause), logger: silent, clock: clock)
    }

    /// Runs workers whose first sync is over. Each attempt writes where it may.
    private func run(
        _ workers: DeliveryWorkers, lane: @escaping @Sendable (ResourceKey) -> Lane = { _ in .endpoints },
        bytes: Int = 100, outcome: Receipt.Outcome = .updated(.endpointsOnly), isUrgent: Bool = false,
        _ body: () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await workers.run(desired: wishes, isUrgent: { _ in isUrgent }) { key, _ in
                    let lane = lane(key)
                    guard workers.queue.begin(lane) else { return .held(lane) }
                    defer { workers.queue.end() }
                    workers.queue.wrote(key, WriteCost(bytes: bytes, latency: .zero))
                    return .done(outcome)
                }
            }
            defer { workers.queue.finish() }
            // The registries say nothing of this key, so that nothing is written.
            for _ in 0..<2 {
                workers.add([key("undecided")])
                try await yield(while: workers.report(limit: 0).pending > 0)
                clock.advance(by: .seconds(1))
            }
            try await body()
        }
    }

    private func wish(_ names: String...) {
        wishes.change(Dictionary(uniqueKeysWithValues: names.map { (key($0), .present(.sample($0, 1))) }))
    }

    private var written: [String] { wishes.receipts.map(\.key.name) }

    @Test("the first change is written at once; what comes in the breath after it is written together, removals first")
    func burst() async throws {
        let workers = workers()
        wish("a", "b", "c", "d-leaves")
        try await run(workers, lane: { $0.name.hasSuffix("leaves") ? .removal : .endpoints }) {
            workers.add([key("a")])
            await wishes.wait { $0.count == 1 }
            workers.add([key("b"), key("c"), key("b"), key("d-leaves")])
            #expect(await clock.nextDeadline() == Self.pause)
            try await yield(while: clock.sleeperCount > 1)
            clock.advance(by: Self.pause - .milliseconds(1))
            #expect(written == ["a"] && workers.report(limit: 0).pending == 3)
            clock.advance(by: .milliseconds(1))
            await wishes.wait { $0.count == 4 }
            #expect(written == ["a", "d-leaves", "b", "c"])
        }
    }

    @Test("full pushes are gathered: the first at once, the next ones together two seconds later, others meanwhile")
    func fullPushes() async throws {
        let workers = workers()
        wish("a", "b", "c", "endpoints")
        try await run(workers, lane: { $0.name == "endpoints" ? .endpoints : .fullPush }) {
            workers.add([key("a")])
            await wishes.wait { $0.count == 1 }
            workers.add([key("b")])
            #expect(await clock.nextDeadline() == .seconds(2))
            clock.advance(by: .seconds(1))
            workers.add([key("c"), key("endpoints")])
            await wishes.wait { $0.count == 2 }
            clock.advance(by: .seconds(1))
            await wishes.wait { $0.count == 4 }
            #expect(written == ["a", "endpoints", "b", "c"])
        }
    }

    @Test("a large object that keeps changing is written when its time has come, once for all changes; others at once")
    func large() async throws {
        let workers = workers(2...2)
        wish("a", "b")
        try await run(workers, bytes: 512 << 10) {
            workers.add([key("a")])
            await wishes.wait { $0.count == 1 }
            clock.advance(by: Self.pause)
            for _ in 1...5 { workers.add([key("a")]) }
            workers.add([key("b")])
            await wishes.wait { $0.count == 2 }
            #expect(written == ["a", "b"])
            try await yield(while: clock.sleeperCount == 0)
            #expect(workers.report(limit: 0).pending == 1)
            clock.advance(by: .seconds(1))
            await wishes.wait { $0.count == 3 }
            try await yield(while: workers.report(limit: 0).pending > 0)
            #expect(written == ["a", "b", "a"])
        }
    }

    @Test("what is wanted no more, or has to be repaired, does not wait for its size", arguments: [true, false])
    func urgent(isRepair: Bool) async throws {
        let workers = workers()
        wishes[key("a")] = isRepair ? .present(.sample("a", 1)) : .absent
        try await run(workers, bytes: 1 << 20, isUrgent: isRepair) {
            for count in 1...3 {
                workers.add([key("a")])
                await wishes.wait { $0.count == count }
                clock.advance(by: Self.pause)
            }
        }
        #expect(clock.sleeperCount == 0)
    }

    @Test("as many are under way at once as the limit says, which halves when the server has too much to do")
    func concurrency() async throws {
        let workers = workers(4...64)
        let attempts = HeldAttempts()
        wishes.change(Dictionary(uniqueKeysWithValues: (0..<100).map { (key("\($0)"), .absent) }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run(desired: wishes) { _, _ in await attempts.attempt() } }
            workers.add((0..<100).map { key("\($0)") })
            try await yield(while: attempts.underWay < 16)
            #expect(attempts.takeMost() == 16)
            workers.queue.overloaded()
            attempts.finish(8)
            await wishes.wait { $0.count == 8 }
            _ = attempts.takeMost()
            for count in 9...100 {
                try await yield(while: attempts.underWay < min(8, 101 - count))
                attempts.finish(1)
                await wishes.wait { $0.count == count }
            }
            #expect(attempts.takeMost() == 8)
            workers.queue.finish()
        }
    }
}

/// Each goes on until it is told to end.
private final class HeldAttempts: Sendable {
    private struct State {
        var begun = 0
        var finished = 0
        var most = 0
    }

    private let state = Observed(State())

    var underWay: Int { state.value.begun - state.value.finished }

    /// How many were under way at once since the last call.
    func takeMost() -> Int {
        state.change { state in
            defer { state.most = state.begun - state.finished }
            return state.most
        }
    }

    func attempt() async -> Attempt {
        let number = state.change { state in
            state.begun += 1
            state.most = max(state.most, state.begun - state.finished)
            return state.begun
        }
        await state.wait { $0.finished >= number }
        return .done(.created(.full([.appears])))
    }

    /// The first ones.
    func finish(_ count: Int) { state.change { $0.finished += count } }
}
