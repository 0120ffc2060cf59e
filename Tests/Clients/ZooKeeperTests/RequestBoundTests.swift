import NIOCore
import Testing

@testable import ZooKeeper

@Suite("Bounds of the session's state machine")
struct RequestBoundTests {
    @Test("a request above the bound fails at once, and a reply makes room for the next one")
    func outstanding() throws {
        var session = MachineDriver(depth: 1, outstanding: 2)
        _ = session.submit(1)
        _ = session.submit(2)
        guard case .fail(3, let error) = session.submit(3) else {
            Issue.record("three were taken")
            return
        }
        #expect(error.code == .tooManyRequests)
        #expect(error.path == "/3")
        try session.establish()
        guard case .fail(4, _) = session.submit(4), case .complete(1, _, _) = session.reply(1),
            case .wait = session.submit(5)
        else {
            Issue.record("the bound does not follow the answers")
            return
        }
    }

    @Test("the wait for the end of the session takes two seconds, or the read timeout if that is shorter")
    func closing() throws {
        for (timeout, wait) in [(Int32(30_000), TimeAmount.seconds(2)), (1_500, .seconds(1))] {
            var session = MachineDriver()
            try session.establish(timeout: timeout)
            #expect(session.machine.close(now: session.now) != nil)
            #expect(session.machine.deadline == session.now + wait)
            guard case .drop = session.machine.timerFired(now: session.now + wait) else {
                Issue.record("still waiting")
                return
            }
        }
    }

    @Test("a stop fails the waiting requests with closed, and those on the wire with connectionLoss")
    func stopped() throws {
        var session = MachineDriver(depth: 1)
        try session.establish()
        _ = session.submit(1)
        _ = session.submit(2)
        #expect(session.machine.stopped().map(\.error.code) == [.connectionLoss, .closed])
    }
}
