internal import AsyncAlgorithms
internal import Concurrency
package import Logging

/// Follows a registry through its reader, and says what it sees.
///
/// The state machine decides; this performs what it decides, one action after the other, so that events are emitted in
/// order.
package struct RegistryFollower: Sendable {
    private typealias Input = FollowerStateMachine.Input

    private let reader: any RegistryReader
    private let pauses: FollowerPauses
    private let stopwatch: Stopwatch
    private let logger: Logger

    package init(
        reader: any RegistryReader, pauses: FollowerPauses = FollowerPauses(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.reader = reader
        self.pauses = pauses
        stopwatch = Stopwatch(clock)
        self.logger = logger
    }

    /// Follows the registry until the task is cancelled; see `Source.run`.
    package func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        // Who sends waits until the input is taken: what waits is bounded by the reads under way.
        let inputs = AsyncChannel<Input>()
        await withDiscardingTaskGroup { group in
            group.addTask { await reader.run { await inputs.send(.changed($0)) } }
            group.addTask {
                for await request in requests { await inputs.send(.requested(request)) }
            }
            var alarms = Alarms()
            var machine = FollowerStateMachine(
                pauses: pauses, pollInterval: reader.pollInterval, readLimit: reader.readLimit)
            var notes: [RegistryNote] = []
            var log = FollowerLog(logger)
            for await input in inputs {
                if case .timePassed(let time) = input { alarms.rang(time) }
                for action in machine.handle(input, now: stopwatch.elapsed) {
                    switch action {
                    case .emit(let event): await emit(event)
                    case .emitNotes:
                        let newest = reader.notes
                        if newest != notes { await emit(.notes(newest)) }
                        notes = newest
                    case .report(let report): log.log(report, now: stopwatch.elapsed)
                    case .list, .prepare, .read: group.addTask { await perform(action, inputs) }
                    }
                }
                guard let deadline = machine.deadline, alarms.set(deadline) else { continue }
                group.addTask {
                    try? await stopwatch.sleep(for: max(deadline - stopwatch.elapsed, .zero))
                    await inputs.send(.timePassed(until: deadline))
                }
            }
            group.cancelAll()
        }
    }

    /// Asks the reader, and sends the answer.
    private func perform(_ action: FollowerStateMachine.Action, _ inputs: AsyncChannel<Input>) async {
        switch action {
        case .list(let epoch):
            await inputs.send(.listed(await answer { () throws(ReadFailure) in try await reader.list() }, by: epoch))
        case .prepare(let epoch):
            let answer = await answer { () throws(ReadFailure) in try await reader.prepare() }
            if case .failure(let failure) = answer {
                await inputs.send(.prepared(failure, by: epoch))
            } else {
                await inputs.send(.prepared(nil, by: epoch))
            }
        case .read(let name, let epoch):
            let answer = await answer { () throws(ReadFailure) in try await reader.read(name) }
            await inputs.send(.read(name, answer, by: epoch))
        case .emit, .emitNotes, .report: break
        }
    }

    private func answer<Value: Sendable>(
        _ ask: () async throws(ReadFailure) -> Value
    ) async -> Result<Value, ReadFailure> {
        do throws(ReadFailure) {
            return .success(try await ask())
        } catch {
            return .failure(error)
        }
    }
}

/// When the tasks wake that sleep for a follower. Another one is needed only for an earlier time.
private struct Alarms {
    private var times: [Duration] = []

    mutating func rang(_ time: Duration) {
        if let index = times.firstIndex(of: time) { times.remove(at: index) }
    }

    /// - Returns: Whether a task has to sleep until then.
    mutating func set(_ time: Duration) -> Bool {
        if let first = times.min(), first <= time { return false }
        times.append(time)
        return true
    }
}
