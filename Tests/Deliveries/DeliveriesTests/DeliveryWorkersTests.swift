import Deliveries
import IsthmusTesting
import IstioAPI
import Logging
import Planning
import Synchronization
import Testing

@Suite("the workers of a delivery", .timeLimit(.minutes(1)))
struct DeliveryWorkersTests {
    private let clock = ManualClock()
    private let desired = Desired()

    private func key(_ name: String) -> ResourceKey { ResourceKey(namespace: "dubbo", name: name) }

    /// Runs workers with this attempt while the body runs.
    private func withWorkers(
        count: Int = 2, logger: Logger = .silent, attempt: @escaping @Sendable (ResourceKey) async -> Attempt,
        _ body: (DeliveryWorkers) async throws -> Void
    ) async throws {
        let workers = DeliveryWorkers(name: "test", pacing: .unpaced(workers: count), logger: logger, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await workers.run(desired: desired) { key, _ in await attempt(key) } }
            defer { workers.queue.finish() }
            try await body(workers)
        }
    }

    @Test("a failure is tried again after a pause, until it succeeds, and each outcome has its receipt")
    func retry() async throws {
        let attempts = Attempts([.failed(reason: "down", retryAfter: nil), .done(.created(.full([.appears])))])
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
            await clock.someoneSleeps()
            #expect(attempts.count == 1)
            clock.advance(by: .seconds(1))
            await desired.receive(2)
        }
        #expect(desired.outcomes == [.failed(reason: "down"), .created(.full([.appears]))])
    }

    @Test("what meets something newer each time, or a conflict, is a race at first and then a failure")
    func endlessRace() async throws {
        let attempts = Attempts(Array(repeating: .outdated, count: 7))
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            for count in 2...6 {
                await clock.someoneSleeps()
                #expect(attempts.count == count && workers.report(limit: 0).failureCount == (count < 6 ? 0 : 1))
                clock.advance(by: .seconds(60))
            }
            #expect(workers.report(limit: 1).failures.first?.reason.contains("keeps being changed") == true)
        }
    }

    @Test("no attempt comes before the time that the server asked for")
    func retryAfter() async throws {
        let attempts = Attempts([.failed(reason: "busy", retryAfter: .seconds(7)), .done(.created(.full([.appears])))])
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
            #expect(await clock.nextDeadline() == .seconds(7))
            clock.advance(by: .seconds(7))
            await desired.receive(2)
        }
    }

    @Test("however often a key fails or is added, one repetition of it waits at a time")
    func oneRetry() async throws {
        let attempts = Attempts(Array(repeating: .failed(reason: "down", retryAfter: nil), count: 20))
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            for count in 1...20 {
                workers.add([key("a")])
                await desired.receive(count)
            }
            await clock.someoneSleeps()
            try await yield(while: workers.report(limit: 0).pending > 1)
            #expect(clock.sleeperCount == 1)
        }
    }

    @Test("a refused key doesn't hinder others, not even with a single worker")
    func quarantine() async throws {
        let refused = key("refused")
        try await withWorkers(
            count: 1, attempt: { $0 == refused ? .refused(reason: "no") : .done(.created(.full([.appears]))) }
        ) { workers in
            workers.add([refused] + (0..<100).map { key("good-\($0)") })
            await desired.receive(101)
        }
        #expect(desired.outcomes.count { $0 == .created(.full([.appears])) } == 100)
        #expect(desired.outcomes.count { $0 == .refused(reason: "no") } == 1)
    }

    @Test("what turned out to be outdated is looked at again at once, and leaves no receipt")
    func outdated() async throws {
        let attempts = Attempts([.outdated, .done(.updated(.endpointsOnly))])
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
        }
        #expect(desired.outcomes == [.updated(.endpointsOnly)])
    }

    @Test("what is undecided is not attempted")
    func undecided() async throws {
        desired.undecided = [key("a")]
        try await withWorkers(attempt: { _ in .done(.created(.full([.appears]))) }) { workers in
            workers.add([key("a"), key("b")])
            await desired.receive(1)
        }
        #expect(desired.receipts.map(\.key) == [key("b")])
    }

    @Test("the log tells of a failure once, and again when it turns into a refusal or after a success")
    func log() async throws {
        let attempts = Attempts([
            .failed(reason: "down", retryAfter: nil), .failed(reason: "still down", retryAfter: nil),
            .refused(reason: "invalid"), .refused(reason: "invalid"), .refused(reason: "invalid in another way"),
            .done(.created(.full([.appears]))), .failed(reason: "down", retryAfter: nil),
        ])
        let log = LogRecorder()
        try await withWorkers(logger: log.logger, attempt: { attempts.next($0) }) { workers in
            for count in 1...7 {
                // What fails again sooner is told together.
                if count == 7 { clock.advance(by: .seconds(10)) }
                workers.add([key("a")])
                await desired.receive(count)
            }
        }
        #expect(log.errors == ["down", "invalid", "invalid in another way", "down"])
    }

    @Test("a time that the server names is a pause for all, not longer than a minute", arguments: [7, 3600])
    func pause(seconds: Int) async throws {
        let attempts = Attempts([
            .failed(reason: "busy", retryAfter: .seconds(seconds)), .done(.created(.full([.appears]))),
            .done(.created(.full([.appears]))),
        ])
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
            workers.add([key("b")])
            try await yield(while: clock.sleeperCount < 2)
            clock.advance(by: .seconds(min(seconds, 60)) - .milliseconds(1))
            #expect(clock.sleeperCount == 2 && attempts.count == 1)
            clock.advance(by: .milliseconds(1))
            await desired.receive(3)
        }
        #expect(
            desired.outcomes == [.failed(reason: "busy"), .created(.full([.appears])), .created(.full([.appears]))])
    }

    @Test("a pause ends with the workers")
    func endOfPause() async throws {
        let workers = DeliveryWorkers(name: "test", pacing: .unpaced(workers: 1), logger: .silent, clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await workers.run(desired: desired) { _, _ in
                        .failed(reason: "busy", retryAfter: .seconds(60))
                    }
                } onCancel: {
                    workers.queue.finish()
                }
            }
            workers.add([key("a"), key("b")])
            try await yield(while: clock.sleeperCount < 2)
            group.cancelAll()
        }
        #expect(desired.receipts.count == 1)
    }

    @Test("the last attempt says when the next one is, also where an earlier one said later")
    func shorterPause() async throws {
        let attempts = Attempts([
            .refused(reason: "no"), .refused(reason: "no"), .refused(reason: "no"),
            .failed(reason: "down", retryAfter: nil), .done(.created(.full([.appears]))),
        ])
        try await withWorkers(attempt: { attempts.next($0) }) { workers in
            for count in 1...4 {
                workers.add([key("a")])
                await desired.receive(count)
            }
            // Refused three times it would wait for four seconds at least; the failure is the first of its kind.
            try await yield(while: await clock.nextDeadline() ?? .zero > .milliseconds(500))
            clock.advance(by: .milliseconds(500))
            await desired.receive(5)
        }
        #expect(desired.outcomes.last == .created(.full([.appears])))
    }

    @Test("what succeeds has no repetition, whatever was to come")
    func noRepetition() async throws {
        let attempts = Attempts([
            .refused(reason: "no"), .done(.created(.full([.appears]))), .refused(reason: "unexpected"),
        ])
        try await withWorkers(count: 1, attempt: { attempts.next($0) }) { workers in
            for count in 1...2 {
                workers.add([key("a")])
                await desired.receive(count)
            }
            clock.advance(by: .seconds(300))
            try await yield(while: workers.report(limit: 0).pending > 0 || clock.sleeperCount > 0)
            #expect(attempts.count == 2)
        }
    }

    @Test("what is another replica's to do is neither tried again nor told, and no failure of ours")
    func standby() async throws {
        let attempts = Attempts([.failed(reason: "down", retryAfter: nil), .standby])
        let log = LogRecorder()
        try await withWorkers(logger: log.logger, attempt: { attempts.next($0) }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
            workers.add([key("a")])
            try await yield(while: workers.report(limit: 0).failureCount > 0 || workers.report(limit: 0).pending > 0)
            clock.advance(by: .seconds(300))
            try await yield(while: clock.sleeperCount > 0)
            #expect(attempts.count == 2 && workers.report(limit: 0).pending == 0)
        }
        #expect(desired.receipts.count == 1 && log.errors == ["down"])
    }

    @Test("a field conflict is told of once for each step of its backoff, and known until it is over")
    func fieldConflict() async throws {
        let conflict = Attempt.fieldConflict(reason: "every 1 s", retryAfter: .seconds(1))
        let attempts = Attempts([
            conflict, conflict, .done(.updated(.endpointsOnly)), conflict,
            .fieldConflict(reason: "every 2 s", retryAfter: .seconds(2)), .done(.updated(.endpointsOnly)),
        ])
        try await withWorkers(count: 1, attempt: { attempts.next($0) }) { workers in
            for count in 1...6 {
                workers.add([key("a")])
                try await yield(while: attempts.count < count || workers.report(limit: 0).pending > 0)
                clock.advance(by: .milliseconds(10))
                if count == 5 {
                    let failure = workers.report(limit: 1).failures.first
                    #expect(failure?.kind == .fieldConflict && failure?.reason == "every 2 s")
                    #expect(failure?.age == .milliseconds(50) && failure?.retryIn == .milliseconds(1990))
                }
            }
            #expect(workers.report(limit: 0).failureCount == 0)
        }
        #expect(
            desired.outcomes == [
                .fieldConflict(reason: "every 1 s"), .updated(.endpointsOnly), .fieldConflict(reason: "every 2 s"),
                .updated(.endpointsOnly),
            ])
    }

    @Test("what fails is known with its reason, its age and the time of the next attempt, the oldest first")
    func failures() async throws {
        let outcomes: [String: Attempt] = [
            "a": .refused(reason: "no"), "b": .failed(reason: "down", retryAfter: nil),
            "c": .done(.created(.full([.appears]))),
        ]
        try await withWorkers(count: 1, attempt: { outcomes[$0.name] ?? .abandoned }) { workers in
            for (count, name) in ["b", "a", "c"].enumerated() {
                workers.add([key(name)])
                await desired.receive(count + 1)
                try await yield(while: workers.report(limit: 0).pending > 0)
                // Before the first repetition, which comes after 250 ms at the earliest.
                clock.advance(by: .milliseconds(50))
            }
            let report = workers.report(limit: 5)
            let (items, total) = (report.failures, report.failureCount)
            #expect(total == 2 && items.map(\.key.name) == ["b", "a"])
            #expect(items.map(\.kind) == [.failed, .refused] && items.map(\.reason) == ["down", "no"])
            #expect(items.map(\.age) == [.milliseconds(150), .milliseconds(100)])
            #expect(items.allSatisfy { $0.retryIn != nil })
            #expect(workers.report(limit: 1).failures.map(\.key.name) == ["b"])
        }
    }

    @Test("two hundred resources that fail for one reason are two lines of the log, and one group of the report")
    func equalFailures() async throws {
        let log = LogRecorder()
        let attempt: @Sendable (ResourceKey) async -> Attempt = { key in
            .refused(reason: "serviceentries '\(key.name)' is forbidden")
        }
        try await withWorkers(logger: log.logger, attempt: attempt) { workers in
            workers.add((0..<200).map { key("service-\($0)") })
            await desired.receive(200)
            try await yield(while: workers.report(limit: 0).pending > 0)
            let report = workers.report(limit: 100)
            #expect(report.failures.count == 100)
            #expect(report.failureGroups.map(\.count) == [200])
            #expect(report.failureGroups.first?.reason == "serviceentries 'NAME' is forbidden")
            #expect(report.failureGroups.first?.resources.count == 3)
            clock.advance(by: .seconds(10))
            await log.wait(for: "more resources refused for one reason", count: 1)
        }
        #expect(log.messages(at: .error).count == 2)
        #expect(log.messages(at: .error).last?.contains("count: 199") == true)
        #expect(log.messages(at: .error).last?.contains("reason: serviceentries 'NAME' is forbidden") == true)
    }

    @Test("what keeps everything from being delivered is known until it is overcome")
    func condition() {
        let workers = DeliveryWorkers(name: "test", pacing: .unpaced(workers: 1), logger: .silent, clock: clock)
        #expect(workers.report(limit: 0).condition == nil)
        workers.note(condition: "refused")
        clock.advance(by: .seconds(5))
        workers.note(condition: "forbidden")
        #expect(workers.report(limit: 0).condition == DeliveryCondition(reason: "forbidden", age: .seconds(5)))
        workers.note(condition: nil)
        #expect(workers.report(limit: 0).condition == nil)
    }

    @Test("repetitions end with the workers", .timeLimit(.minutes(1)))
    func end() async throws {
        try await withWorkers(attempt: { _ in .refused(reason: "no") }) { workers in
            workers.add([key("a")])
            await desired.receive(1)
            await clock.someoneSleeps()
        }
        #expect(clock.sleeperCount == 0)
    }
}

/// Wants something of every key, and keeps the receipts.
private final class Desired: DesiredState {
    private struct State {
        var receipts: [Receipt] = []
        var undecided: Set<ResourceKey> = []
    }

    private let state = Observed(State())

    var receipts: [Receipt] { state.value.receipts }
    var outcomes: [Receipt.Outcome] { receipts.map(\.outcome) }
    var undecided: Set<ResourceKey> {
        get { state.value.undecided }
        set { state.change { $0.undecided = newValue } }
    }

    func seed(_ objects: [ActualObject], from delivery: String) async {}

    func wanted(_ key: ResourceKey) async -> Wanted { undecided.contains(key) ? .undecided : .absent }

    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? { undecided.contains(key) ? nil : .gone }

    func adopt(_ objects: [ActualObject], from delivery: String) async {}

    func everyKey() async -> [ResourceKey] { [] }

    func delivered(_ receipt: Receipt) async { state.change { $0.receipts.append(receipt) } }

    func settled() async {}

    /// Returns when there are this many receipts.
    func receive(_ count: Int) async { await state.wait { $0.receipts.count >= count } }
}

/// One result after the other, whatever the key.
private final class Attempts: Sendable {
    private let results: [Attempt]
    private let position = Mutex(0)

    init(_ results: [Attempt]) {
        self.results = results
    }

    var count: Int { position.withLock { $0 } }

    func next(_ key: ResourceKey) -> Attempt {
        position.withLock { position in
            defer { position += 1 }
            return position < results.count ? results[position] : .abandoned
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
