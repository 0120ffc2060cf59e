import NIOCore
import Testing

@testable import ZooKeeper

@Suite("The cancellation of requests")
struct CancellationTests {
    @Test("a cancelled request on the wire ends at once; its reply is discarded and the next one finds its request")
    func onTheWire() throws {
        var session = MachineDriver()
        try session.establish()
        for number in 1...3 { _ = session.submit(number) }
        let failure = session.machine.cancel(id: 2)
        let cancelled = try #require(failure)
        #expect(cancelled.completion == 2)
        #expect(cancelled.error.code == .cancelled)
        #expect(cancelled.error.path == "/2")
        guard case .complete(1, .success, nil) = session.reply(1),
            case .complete(nil, .success, nil) = session.reply(2, zxid: 42),
            case .complete(3, .success, nil) = session.reply(3, zxid: 0)
        else {
            Issue.record("the order of the replies is lost")
            return
        }
        _ = session.machine.connectionClosed(reason: "test")
        #expect(try session.open().lastZxidSeen == 42)
    }

    @Test("a cancelled request that waits is never sent, and the others keep their order")
    func waiting() throws {
        var session = MachineDriver(depth: 1)
        try session.establish()
        for number in 1...4 { _ = session.submit(number) }
        #expect(session.machine.cancel(id: 3)?.error.message.contains("before the request was sent") == true)
        guard case .complete(1, _, let second) = session.reply(1), case .complete(2, _, let fourth) = session.reply(2),
            case .complete(4, _, nil) = session.reply(3)
        else {
            Issue.record("not completed in order")
            return
        }
        #expect([xid(second), xid(fourth)] == [2, 3])
    }

    @Test("a cancelled request on the wire counts until its reply, and one that waits does not")
    func bound() throws {
        var session = MachineDriver(depth: 1, outstanding: 2)
        try session.establish()
        _ = session.submit(1)
        _ = session.submit(2)
        #expect(session.machine.cancel(id: 2) != nil)
        #expect(session.machine.cancel(id: 1) != nil)
        #expect(session.machine.outstanding == 1)
        guard case .wait = session.submit(3), case .fail(4, let error) = session.submit(4) else {
            Issue.record("the bound does not hold")
            return
        }
        #expect(error.code == .tooManyRequests)
        guard case .complete(nil, _, let third) = session.reply(1), case .wait = session.submit(5) else {
            Issue.record("the reply does not free a place")
            return
        }
        #expect(xid(third) == 2)
    }

    @Test("only a write that was sent has an unknown outcome, and its error says so")
    func outcome() throws {
        var session = MachineDriver(depth: 2)
        try session.establish()
        _ = session.submitWrite(1)
        _ = session.submit(2)
        _ = session.submitWrite(3)
        let failures = [1, 2, 3].map { session.machine.cancel(id: $0)?.error }
        #expect(failures.map { $0?.isOutcomeUnknown } == [true, false, false])
        #expect(failures[0]?.description.contains("unknown whether the write took effect") == true)
    }

    @Test("a request that has ended is not cancelled, and a cancelled one ends once")
    func once() throws {
        var session = MachineDriver()
        #expect(session.machine.cancel(id: 1) == nil)
        try session.establish()
        _ = session.submit(1)
        _ = session.submit(2)
        _ = session.reply(1)
        #expect(session.machine.cancel(id: 1) == nil)
        #expect(session.machine.cancel(id: 2) != nil)
        #expect(session.machine.cancel(id: 2) == nil)
        #expect(session.machine.connectionClosed(reason: "test").isEmpty)
    }

    @Test("after the end of the connection a write that was sent has an unknown outcome, and one that waited has not")
    func connectionLoss() throws {
        var session = MachineDriver(depth: 2)
        try session.establish()
        for number in 1...2 { _ = session.submitWrite(number) }
        _ = session.submit(3)
        _ = session.submitWrite(4)
        #expect(session.machine.cancel(id: 1) != nil)
        let failed = session.machine.connectionClosed(reason: "test")
        #expect(failed.map(\.completion) == [2, 3, 4])
        #expect(failed.map(\.error.isOutcomeUnknown) == [true, false, false])
    }

    @Test("the waiting requests are those of a plain list, whatever is removed", arguments: 0..<20 as Range<UInt64>)
    func queue(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var queue = WaitingRequests<UInt64>()
        var model: [UInt64] = []
        var id: UInt64 = 0
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0...1:
                id += UInt64.random(in: 1...3, using: &random)
                queue.append(.init(id: id, operation: .sync(path: "/"), completion: id))
                model.append(id)
            case 2:
                #expect(queue.popFirst()?.completion == (model.isEmpty ? nil : model.removeFirst()))
            default:
                let victim = UInt64.random(in: 0...id + 1, using: &random)
                let index = model.firstIndex(of: victim)
                #expect(queue.remove(id: victim)?.completion == index.map { model.remove(at: $0) })
            }
            #expect(queue.count == model.count)
            #expect(queue.first?.completion == model.first)
        }
    }
}
