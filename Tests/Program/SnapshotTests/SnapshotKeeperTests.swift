import Foundation
import IsthmusTesting
import Logging
import Services
import Snapshot
import Sources
import Synchronization
import Testing

@Suite("the keeper of a snapshot", .timeLimit(.minutes(1)))
struct SnapshotKeeperTests {
    private let folder: TemporaryFolder
    private let file: SnapshotFile
    private let clock = ManualClock()
    private let log = LogRecorder()
    private let keeper: SnapshotKeeper

    init() throws {
        folder = try TemporaryFolder(label: "snapshot")
        file = SnapshotFile(path: folder.snapshotPath)
        keeper = SnapshotKeeper(file: file, clock: clock, logger: log.logger)
    }

    /// The keeper runs while the body runs, and has stopped afterwards.
    private func run(_ source: Source, _ body: () async throws -> Void) async rethrows {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run(source: source) }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private func written() async -> [SnapshotRecord]? {
        let reader = SnapshotFile(path: folder.snapshotPath)
        // At once, since a thread that read for it may keep it a moment longer, and its lock with it.
        defer { reader.release() }
        return await reader.read().records
    }

    @Test("nothing is written while nothing changes")
    func idle() async throws {
        let source = Source()
        await run(source) {}
        #expect(source.passes == 0)
        #expect(try folder.files == [])
    }

    @Test(
        "the first change is written at once, changes during a write a second after it, and a late one at once")
    func coalescing() async {
        let source = Source([.sample(1)])
        source.whenAsked = { [keeper] pass in
            if pass == 1 { for _ in 0..<100 { keeper.changed() } }
        }
        await run(source) {
            keeper.changed()
            #expect(await clock.nextDeadline() == .seconds(1))
            #expect(log.count(of: "snapshot written") == 1)
            #expect(await written() == [.sample(1)])
            source.records = [.sample(1), .sample(2)]
            clock.advance(by: .seconds(1))
            await log.wait(for: "snapshot written", count: 2)
            #expect(await written() == [.sample(1), .sample(2)])
            clock.advance(by: .seconds(1))
            source.records = [.sample(3)]
            keeper.changed()
            await log.wait(for: "snapshot written", count: 3)
            #expect(await written() == [.sample(3)])
            #expect(clock.sleeperCount == 0)
        }
        #expect(source.passes == 3)
    }

    @Test("a long write is followed by a delay of twenty times its length")
    func longWrites() async {
        let source = Source([.sample(1)])
        source.whenAsked = { [keeper, clock] pass in
            if pass > 1 { return }
            clock.advance(by: .milliseconds(1500))
            keeper.changed()
        }
        await run(source) {
            keeper.changed()
            #expect(await clock.nextDeadline() == .seconds(30))
            clock.advance(by: .milliseconds(29_999))
            #expect(clock.sleeperCount == 1 && source.passes == 1)
            clock.advance(by: .milliseconds(1))
            await log.wait(for: "snapshot written", count: 2)
        }
    }

    @Test("the last change is written at the stop, without a delay, and then another process may write")
    func stop() async throws {
        let source = Source([.sample(1)])
        source.whenAsked = { [keeper] pass in if pass == 1 { keeper.changed() } }
        await run(source) {
            keeper.changed()
            await clock.someoneSleeps()
            source.records = [.sample(2)]
        }
        #expect(await written() == [.sample(2)])
        try await SnapshotFile(path: folder.snapshotPath).write(from: Records([.sample(3)]))
    }

    @Test("a write that is under way at the stop is finished")
    func stopDuringWrite() async {
        let source = Source((0..<1000).map { .sample($0) })
        await run(source) {
            let passes = Observed(0)
            source.whenAsked = { pass in passes.change { $0 = pass } }
            keeper.changed()
            await passes.wait { $0 > 0 }
        }
        #expect(await written()?.count == 1000)
        #expect(source.passes == 1)
    }

    @Test("a last write that takes too long is abandoned, and the old snapshot stays")
    func slowStop() async throws {
        let source = Source([.sample(1)])
        source.whenAsked = { [keeper] pass in if pass == 1 { keeper.changed() } }
        await run(source) {
            keeper.changed()
            await clock.someoneSleeps()
            source.records = (0..<1000).map { .sample($0) }
            source.whenAskedForMore = { [clock] in clock.advance(by: .seconds(2)) }
        }
        #expect(await written() == [.sample(1)])
        #expect(log.errors.map { $0.hasSuffix("the time limit of the write ran out") } == [true])
        #expect(try folder.files == ["state"])
    }

    @Test("a failed write is repeated after delays that grow to a minute, and logged once")
    func failure() async throws {
        try folder.write("", to: "file")
        let file = SnapshotFile(path: folder.path(of: "file/state"))
        let keeper = SnapshotKeeper(file: file, clock: clock, logger: log.logger)
        let source = Source([.sample(1)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.run(source: source) }
            defer { group.cancelAll() }
            keeper.changed()
            for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
                #expect(await clock.nextDeadline() == .seconds(seconds))
                clock.advance(by: .seconds(seconds))
            }
            await clock.someoneSleeps()
            #expect(log.errors.map { $0.hasSuffix("Not a directory") } == [true])
            try FileManager.default.removeItem(atPath: folder.path(of: "file"))
            clock.advance(by: .seconds(60))
            await log.wait(for: "snapshot written", count: 1)
        }
        #expect(await file.read().records == [.sample(1)])
    }

    @Test("the second of two bridges with one file logs an error, and writes when the first has stopped")
    func twoBridges() async throws {
        let first = SnapshotFile(path: folder.snapshotPath)
        try await first.write(from: Records([.sample(1)]))
        await run(Source([.sample(2)])) {
            keeper.changed()
            await clock.someoneSleeps()
            #expect(log.errors.map { $0.hasSuffix("another process writes it") } == [true])
            #expect(await first.read().records == [.sample(1)])
            first.release()
            clock.advance(by: .seconds(1))
            await log.wait(for: "snapshot written", count: 1)
        }
        #expect(await written() == [.sample(2)])
    }

    @Test("a restart recalls the last snapshot, and a file that can't be used is logged and counts as none")
    func recall() async throws {
        #expect(await keeper.recall() == [])
        await run(Source([.sample(1)])) { keeper.changed() }
        #expect(await keeper.recall() == [.sample(1)])
        #expect(log.errors == [])
        try folder.store(try folder.bytes().dropLast())
        #expect(await keeper.recall() == [])
        #expect(log.errors.count == 1)
        #expect(await keeper.recall() == [])
        #expect(log.errors.count == 1)
    }
}

/// A source that counts its passes and calls a closure in each.
private final class Source: SnapshotSource {
    private struct State {
        var records: [SnapshotRecord]
        var passes = 0
        var whenAsked: @Sendable (Int) -> Void = { _ in }
        var whenAskedForMore: @Sendable () -> Void = {}
    }

    private let state: Mutex<State>

    init(_ records: [SnapshotRecord] = []) {
        state = Mutex(State(records: records))
    }

    /// The number of snapshots that were begun.
    var passes: Int { state.withLock { $0.passes } }

    var records: [SnapshotRecord] {
        get { state.withLock { $0.records } }
        set { state.withLock { $0.records = newValue } }
    }

    /// Called with the number of passes at the beginning of each.
    var whenAsked: @Sendable (Int) -> Void {
        get { state.withLock { $0.whenAsked } }
        set { state.withLock { $0.whenAsked = newValue } }
    }

    var whenAskedForMore: @Sendable () -> Void {
        get { state.withLock { $0.whenAskedForMore } }
        set { state.withLock { $0.whenAskedForMore = newValue } }
    }

    func snapshotPage(after: ServiceID?, limit: Int) async -> [SnapshotRecord] {
        let page = await Records(records).snapshotPage(after: after, limit: limit)
        if after == nil {
            let pass = state.withLock { state in
                state.passes += 1
                return state.passes
            }
            whenAsked(pass)
        } else {
            whenAskedForMore()
        }
        return page
    }
}
