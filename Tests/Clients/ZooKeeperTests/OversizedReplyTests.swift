import NIOCore
import Testing

@testable import ZooKeeper

@Suite("Replies above the limit in the session's state machine")
struct OversizedReplyTests {
    private func oversized(
        _ session: inout MachineDriver, _ xid: Int32, zxid: Int64 = 1, error: Int32 = 0
    ) -> SessionStateMachine<Int>.ReceiveAction {
        let header = ReplyHeader(xid: xid, zxid: zxid, error: error)
        return session.machine.received(.oversized(header, length: 70_000_000), now: session.now)
    }

    @Test("an oversized reply fails its own request, and the order of the replies holds")
    func alone() throws {
        var session = MachineDriver(depth: 2)
        try session.establish()
        for number in 1...3 { _ = session.submit(number) }
        guard case .complete(1, .success, let third) = session.reply(1),
            case .complete(2, .failure(let error), nil) = oversized(&session, 2, zxid: 42),
            case .complete(3, .success, nil) = session.reply(3, zxid: 0)
        else {
            Issue.record("not completed in order")
            return
        }
        #expect(xid(third) == 3)
        #expect(error.code == .replyTooLarge)
        for part in ["/2", "70000000", "67108864", "raise replyLimit"] { #expect(error.description.contains(part)) }
        _ = session.machine.connectionClosed(reason: "test")
        #expect(try session.open().lastZxidSeen == 42)
    }

    @Test("an error of the server counts before replyTooLarge")
    func serverError() throws {
        var session = MachineDriver()
        try session.establish()
        _ = session.submit(1)
        guard case .complete(1, .failure(let error), _) = oversized(&session, 1, error: -102) else {
            Issue.record("not completed")
            return
        }
        #expect(error == ZooKeeperError(.noAuth, path: "/1"))
    }

    @Test("an oversized reply to no request, to a ping or to a credential drops the connection")
    func nonsense() throws {
        for xid in [1, ReservedXid.ping, ReservedXid.auth] {
            var session = MachineDriver()
            try session.establish()
            guard case .drop = oversized(&session, xid) else {
                Issue.record("\(xid) was taken")
                return
            }
        }
        var session = MachineDriver()
        _ = try session.open()
        guard case .drop = oversized(&session, 0) else {
            Issue.record("taken for an answer to the handshake")
            return
        }
    }

    @Test("an oversized watch event is lost, and the connection stays open")
    func event() throws {
        var session = MachineDriver()
        try session.establish()
        guard case .eventLost = oversized(&session, ReservedXid.notification) else {
            Issue.record("nobody would read again")
            return
        }
    }

    @Test("a long reply keeps the connection while it arrives; a stalled one does not")
    func liveness() throws {
        var session = MachineDriver()
        try session.establish(timeout: 9_000)
        _ = session.submit(1)
        _ = oversized(&session, 1)
        for _ in 0..<20 {
            session.now = session.now + .seconds(5)
            if case .drop = session.machine.timerFired(now: session.now) {
                Issue.record("given up while bytes came")
                return
            }
            session.machine.bytesArrived(now: session.now)
        }
        session.now = session.now + .seconds(6)
        guard case .drop(let reason) = session.machine.timerFired(now: session.now) else {
            Issue.record("still waiting")
            return
        }
        #expect(reason.contains("silent"))
        // The server was last heard six seconds ago.
        _ = session.machine.connectionClosed(reason: "test")
        #expect(session.machine.deadline == session.now + .seconds(6))
    }

    @Test("a handshake that arrives byte by byte is given up in time")
    func dribbledHandshake() throws {
        var session = MachineDriver(timeout: .seconds(30))
        _ = try session.open()
        let deadline = session.machine.deadline
        session.machine.bytesArrived(now: session.now + .seconds(4))
        #expect(session.machine.deadline == deadline)
    }
}
