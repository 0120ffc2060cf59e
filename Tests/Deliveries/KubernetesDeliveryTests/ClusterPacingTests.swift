import Deliveries
import IsthmusTesting
import IstioAPI
import KubernetesDelivery
import Logging
import Planning
import Testing

@Suite("the pacing of a delivery's workers", .timeLimit(.minutes(1)))
struct ClusterPacingTests {
    private let clock = ManualClock()
    private let wishes = Wishes()

    private func key(_ name: String) -> ResourceKey { .in(name) }

    private func workers(
        _ concurrency: ClosedRange<Int> = 1...1, isPaced: Bool = true
    ) -> (DeliveryWorkers, ClusterPacing) {
        let pacing = ClusterPacing(concurrency: concurrency, isPaced: isPaced, clock: clock)
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return (DeliveryWorkers(name: "test", pacing: pacing, logger: silent, clock: clock), pacing)
    }

    @Test("what keeps changing is written when its time has come, once for all that happened, and others at once")
    func pacing() async throws {
        let (workers, pacing) = workers(2...2)
        let attempts = Observed(0)
        wishes.change([key("a"): .present(.sample("a", 1)), key("b"): .present(.sample("b", 1))])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await workers.run(desired: wishes) { _, _ in
                    attempts.change { $0 += 1 }
                    return .done(.updated(.endpointsOnly))
                }
            }
            defer { workers.queue.finish() }
            pacing.wrote(key("a"), bytes: 100, latency: .seconds(1), isLimited: false)
            for _ in 1...5 {
                workers.add([key("a")])
                await clock.someoneSleeps()
            }
            workers.add([key("b")])
            await wishes.wait { $0.count == 1 }
            #expect(wishes.receipts.map(\.key.name) == ["b"])
            try await yield(while: workers.report(limit: 0).pending > 1)
            #expect(workers.report(limit: 0).pending == 1 && clock.sleeperCount == 1)
            let delay = try #require(await clock.nextDeadline())
            #expect(delay > .milliseconds(500) && delay < .seconds(2))
            clock.advance(by: delay)
            await wishes.wait { $0.count == 2 }
            try await yield(while: workers.report(limit: 0).pending > 0)
            #expect(attempts.value == 2)
        }
    }

    @Test("what is wanted no more, or has to be repaired, does not wait for its time", arguments: [true, false])
    func urgent(isRepair: Bool) async throws {
        let (workers, pacing) = workers()
        wishes[key("a")] = isRepair ? .present(.sample("a", 1)) : .absent
        await withDiscardingTaskGroup { group in
            group.addTask {
                await workers.run(
                    desired: wishes, isUrgent: { _ in isRepair },
                    attempt: { _, _ in .done(.deleted(.full([.disappears]))) })
            }
            for count in 1...3 {
                pacing.wrote(key("a"), bytes: 100, latency: .seconds(1), isLimited: false)
                workers.add([key("a")])
                await wishes.wait { $0.count == count }
            }
            workers.queue.finish()
        }
        #expect(clock.sleeperCount == 0)
    }

    @Test("nothing waits for its time where writes are not paced")
    func unpaced() async throws {
        let (workers, pacing) = workers(isPaced: false)
        wishes[key("a")] = .present(.sample("a", 1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                await workers.run(desired: wishes, attempt: { _, _ in .done(.updated(.endpointsOnly)) })
            }
            pacing.wrote(key("a"), bytes: 100, latency: .seconds(1), isLimited: false)
            workers.add([key("a")])
            await wishes.wait { $0.count == 1 }
            workers.queue.finish()
        }
    }

    @Test("as many are under way at once as the limit says, which halves when the server has too much to do")
    func concurrency() async throws {
        let (workers, pacing) = workers(4...64)
        let attempts = HeldAttempts()
        wishes.change(Dictionary(uniqueKeysWithValues: (0..<100).map { (key("\($0)"), .absent) }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run(desired: wishes) { _, _ in await attempts.attempt() } }
            workers.add((0..<100).map { key("\($0)") })
            try await yield(while: attempts.underWay < 16)
            #expect(pacing.limit == 16)
            pacing.overloaded()
            attempts.finish(8)
            await wishes.wait { $0.count == 8 }
            #expect(attempts.takeMost() == 16 && pacing.limit == 8)
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
