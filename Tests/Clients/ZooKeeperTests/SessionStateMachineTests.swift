import NIOCore
import Testing

@testable import ZooKeeper

@Suite("The session's state machine")
struct SessionStateMachineTests {
    @Test("the request for a new session has zeros")
    func newSession() throws {
        var session = MachineDriver(timeout: .seconds(12))
        let request = try session.open()
        #expect(
            request
                == ConnectRequest(
                    lastZxidSeen: 0, timeout: 12_000, sessionID: 0, password: ByteBuffer(repeating: 0, count: 16),
                    readOnly: false))
        guard case .established(let id, let timeout, let isResumed, let send) = session.answerHandshake() else {
            Issue.record("not established")
            return
        }
        #expect(id == 7)
        #expect(timeout == .seconds(9))
        #expect(!isResumed)
        #expect(send.isEmpty)
    }

    @Test("a session is resumed with its password and the last transaction seen")
    func resume() throws {
        var session = MachineDriver()
        try session.establish()
        _ = session.submit(1)
        _ = session.reply(1, zxid: 99)
        _ = session.machine.connectionClosed(reason: "test")
        let request = try session.open()
        #expect(request.sessionID == 7)
        #expect(request.password == ByteBuffer(repeating: 9, count: 16))
        #expect(request.lastZxidSeen == 99)
        guard case .established(7, _, true, _) = session.answerHandshake() else {
            Issue.record("not resumed")
            return
        }
    }

    @Test("notifications and pings do not change the last transaction")
    func lastZxid() throws {
        var session = MachineDriver()
        try session.establish()
        _ = session.reply(ReservedXid.ping, zxid: 500)
        var event = WatchEvent(kind: .deleted, path: "/x").frame
        event.moveReaderIndex(forwardBy: 4)
        event.setInteger(600 as Int64, at: event.readerIndex + 4)
        guard case .event(WatchEvent(kind: .deleted, path: "/x")) = session.machine.received(event, now: session.now)
        else {
            Issue.record("no event")
            return
        }
        _ = session.machine.connectionClosed(reason: "test")
        #expect(try session.open().lastZxidSeen == 0)
    }

    @Test("an expired session is reported once, and the next one starts with zeros")
    func expiry() throws {
        var session = MachineDriver()
        try session.establish()
        _ = session.machine.connectionClosed(reason: "test")
        _ = try session.open()
        guard case .expired = session.answerHandshake(id: 0, timeout: 0) else {
            Issue.record("not expired")
            return
        }
        _ = session.machine.connectionClosed(reason: "test")
        let request = try session.open()
        #expect(request.sessionID == 0)
        #expect(request.password == ByteBuffer(repeating: 0, count: 16))
    }

    @Test("a server that refuses to start a session drops the connection: no session has expired")
    func refusedSession() throws {
        var session = MachineDriver()
        _ = try session.open()
        guard case .drop = session.answerHandshake(id: 0, timeout: 0) else {
            Issue.record("not dropped")
            return
        }
    }

    @Test("requests wait for the handshake, and the pipeline depth limits those on the wire")
    func depth() throws {
        var session = MachineDriver(depth: 2)
        for number in 1...4 {
            guard case .wait = session.submit(number) else {
                Issue.record("sent without a session")
                return
            }
        }
        _ = try session.open()
        guard case .established(_, _, _, let send) = session.answerHandshake() else {
            Issue.record("not established")
            return
        }
        #expect(send.map { xid($0) } == [1, 2])
        guard case .complete(1, .success, let third) = session.reply(1),
            case .complete(2, .success, let fourth) = session.reply(2),
            case .complete(3, .success, let none) = session.reply(3)
        else {
            Issue.record("not completed in order")
            return
        }
        #expect([xid(third), xid(fourth), xid(none)] == [3, 4, nil])
    }

    @Test("a reply out of order or without a request drops the connection")
    func order() throws {
        var session = MachineDriver()
        try session.establish()
        guard case .drop = session.reply(1) else {
            Issue.record("an answer to nothing was taken")
            return
        }
        _ = session.submit(1)
        _ = session.submit(2)
        guard case .drop = session.reply(2) else {
            Issue.record("an answer out of order was taken")
            return
        }
    }

    @Test("an error and a body reach their own request")
    func answers() throws {
        var session = MachineDriver()
        try session.establish()
        _ = session.submit(1)
        _ = session.submit(2)
        guard case .complete(1, .failure(let error), _) = session.reply(1, error: -101),
            case .complete(2, .success(let body), _) = session.reply(2, body: "hello")
        else {
            Issue.record("not completed")
            return
        }
        #expect(error == ZooKeeperError(.noNode, path: "/1"))
        #expect(String(buffer: body) == "hello")
    }

    @Test("the end of the connection fails every outstanding request once")
    func connectionLoss() throws {
        var session = MachineDriver(depth: 1)
        try session.establish()
        for number in 1...3 { _ = session.submit(number) }
        let failed = session.machine.connectionClosed(reason: "test")
        #expect(failed.map(\.completion) == [1, 2, 3])
        #expect(failed.allSatisfy { $0.error.code == .connectionLoss })
        #expect(failed.map(\.error.path) == ["/1", "/2", "/3"])
        #expect(session.machine.connectionClosed(reason: "test").isEmpty)
    }

    @Test("a silent client pings after a third of the timeout, and never later than ten seconds")
    func ping() throws {
        for (timeout, interval) in [(Int32(9_000), TimeAmount.seconds(3)), (60_000, .seconds(10))] {
            var session = MachineDriver()
            try session.establish(timeout: timeout)
            #expect(session.machine.deadline == session.now + interval)
            guard case .none = session.machine.timerFired(now: session.now + interval - .milliseconds(1)) else {
                Issue.record("pinged too early")
                return
            }
            session.now = session.now + interval
            guard case .ping(let frame) = session.machine.timerFired(now: session.now) else {
                Issue.record("no ping")
                return
            }
            #expect(xid(frame) == ReservedXid.ping)
            #expect(frame.readableBytes == 12)
            #expect(try #require(session.machine.deadline) > session.now)
        }
    }

    @Test("a request counts as a ping")
    func requestsCountAsPings() throws {
        var session = MachineDriver()
        try session.establish()
        session.now = session.now + .seconds(2)
        _ = session.submit(1)
        #expect(session.machine.deadline == session.now + .seconds(3))
    }

    @Test("a server that is silent for two thirds of the timeout costs the connection")
    func readTimeout() throws {
        var session = MachineDriver()
        try session.establish()
        session.now = session.now + .seconds(3)
        _ = session.machine.timerFired(now: session.now)
        session.now = session.now + .seconds(3)
        guard case .drop(let reason) = session.machine.timerFired(now: session.now) else {
            Issue.record("still waiting")
            return
        }
        #expect(reason.contains("silent"))
    }

    @Test(
        "a handshake without a reply is given up after two thirds of the session timeout, and after 5 s at the latest",
        arguments: [(3, 2), (30, 5)])
    func handshakeTimeout(session seconds: Int64, limit: Int64) throws {
        var session = MachineDriver(timeout: .seconds(seconds))
        _ = try session.open()
        #expect(session.machine.deadline == session.now + .seconds(limit))
        guard case .drop = session.machine.timerFired(now: session.now + .seconds(limit)) else {
            Issue.record("still waiting")
            return
        }
    }

    @Test("without a session and a connection there is no deadline")
    func noTimer() {
        let session = MachineDriver()
        #expect(session.machine.deadline == nil)
    }

    @Test("a close ends the session: later requests fail, and earlier ones get their replies")
    func close() throws {
        var session = MachineDriver()
        #expect(session.machine.close(now: session.now) == nil)
        try session.establish()
        _ = session.submit(1)
        let request = session.machine.close(now: session.now)
        let frame = try #require(request)
        #expect(frame.getInteger(at: frame.readerIndex + 8) == OpCode.closeSession.rawValue)
        guard case .fail(2, let error) = session.submit(2), case .complete(1, .success, nil) = session.reply(1),
            case .complete(nil, .success, nil) = session.reply(2)
        else {
            Issue.record("the order was not kept")
            return
        }
        #expect(error.code == .closed)
    }

    @Test(
        "arbitrary bytes from the server are decoded or drop the connection, in every phase",
        arguments: 0..<16 as Range<UInt64>)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<50 {
            var session = MachineDriver(depth: 2)
            _ = try session.open()
            if Bool.random(using: &random) { _ = session.answerHandshake() }
            for number in 1...4 { _ = session.submit(number) }
            for _ in 0..<5 {
                let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random)
                }
                _ = session.machine.received(ByteBuffer(bytes: bytes), now: session.now)
            }
            _ = session.machine.connectionClosed(reason: "test")
        }
    }
}
