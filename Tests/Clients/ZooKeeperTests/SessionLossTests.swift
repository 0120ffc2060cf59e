import NIOCore
import Testing

@testable import ZooKeeper

@Suite("A session that no server resumes")
struct SessionLossTests {
    /// A session of 9 s that has seen transaction 99 and has just lost its connection.
    private func cutOff() throws -> MachineDriver {
        var session = MachineDriver()
        try session.establish(timeout: 9_000)
        _ = session.submit(1)
        _ = session.reply(1, zxid: 99)
        _ = session.machine.connectionClosed(reason: "test")
        return session
    }

    @Test("a session is lost after four thirds of its timeout, and the next one starts with zeros")
    func lost() throws {
        var session = try cutOff()
        #expect(session.machine.deadline == session.now + .seconds(12))
        guard case .none = session.machine.timerFired(now: session.now + .milliseconds(11_999)) else {
            Issue.record("lost too early")
            return
        }
        session.now = session.now + .seconds(12)
        guard case .sessionLost = session.machine.timerFired(now: session.now) else {
            Issue.record("not lost")
            return
        }
        #expect(session.machine.deadline == nil)
        let request = try session.open()
        #expect(request.sessionID == 0)
        #expect(request.lastZxidSeen == 0)
        #expect(request.password == ByteBuffer(repeating: 0, count: 16))
    }

    @Test("connections that end before the handshake reply do not extend the session")
    func refusals() throws {
        var session = try cutOff()
        let deadline = session.machine.deadline
        for _ in 0..<3 {
            session.now = session.now + .seconds(2)
            #expect(try session.open().lastZxidSeen == 99)
            _ = session.machine.connectionClosed(reason: "test")
            #expect(session.machine.deadline == deadline)
        }
    }

    @Test("a session is lost during a handshake too, and a later reply is ignored")
    func handshake() throws {
        var session = try cutOff()
        session.now = session.now + .seconds(11)
        _ = try session.open()
        #expect(session.machine.deadline == session.now + .seconds(1))
        guard case .sessionLost = session.machine.timerFired(now: session.now + .seconds(1)),
            case .none = session.answerHandshake()
        else {
            Issue.record("still wanted")
            return
        }
    }

    @Test("a session that is resumed in time is not lost")
    func resumed() throws {
        var session = try cutOff()
        session.now = session.now + .seconds(11)
        try session.establish(timeout: 9_000)
        _ = session.machine.connectionClosed(reason: "test")
        #expect(session.machine.deadline == session.now + .seconds(12))
    }

    @Test("an expiry is reported once, and the last transaction is forgotten after four thirds of the timeout")
    func afterExpiry() throws {
        var session = try cutOff()
        _ = try session.open()
        guard case .expired = session.answerHandshake(id: 0, timeout: 0) else {
            Issue.record("not expired")
            return
        }
        _ = session.machine.connectionClosed(reason: "test")
        #expect(try session.open().lastZxidSeen == 99)
        _ = session.machine.connectionClosed(reason: "test")
        guard case .none = session.machine.timerFired(now: session.now + .seconds(12)) else {
            Issue.record("told twice")
            return
        }
        #expect(try session.open().lastZxidSeen == 0)
    }
}
