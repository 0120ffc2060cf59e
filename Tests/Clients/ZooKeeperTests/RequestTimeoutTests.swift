import NIOCore
import Testing

@testable import ZooKeeper

@Suite("The timeout of requests")
struct RequestTimeoutTests {
    @Test("a request without a reply fails in time; its reply is discarded and the connection stays open")
    func onTheWire() throws {
        var session = MachineDriver(requestTimeout: .milliseconds(1_500))
        try session.establish(timeout: 30_000)
        _ = session.submitWrite(1)
        session.now = session.now + .seconds(1)
        _ = session.submit(2)
        session.now = session.now + .milliseconds(499)
        #expect(session.machine.expireRequests(now: session.now).isEmpty)
        #expect(session.machine.deadline == session.now + .milliseconds(1))
        session.now = session.now + .milliseconds(1)
        let expired = session.machine.expireRequests(now: session.now)
        #expect(expired.map(\.completion) == [1])
        #expect(expired.first?.error.code == .requestTimeout)
        #expect(expired.first?.error.path == "/1")
        #expect(expired.first?.error.isOutcomeUnknown == true)
        #expect(expired.first?.error.message.contains("1.5 s") == true)
        #expect(session.machine.deadline == session.now + .seconds(1))
        #expect(session.machine.outstanding == 2)
        guard case .none = session.machine.timerFired(now: session.now), case .complete(nil, _, nil) = session.reply(1),
            case .complete(2, .success, nil) = session.reply(2)
        else {
            Issue.record("the connection does not go on")
            return
        }
    }

    @Test("a request that can't be sent fails in time, with a known outcome and without a connection")
    func waiting() throws {
        var session = MachineDriver(depth: 1, requestTimeout: .seconds(2))
        _ = session.submitWrite(1)
        #expect(session.machine.deadline == session.now + .seconds(2))
        _ = session.submitWrite(2)
        session.now = session.now + .seconds(2)
        let expired = session.machine.expireRequests(now: session.now)
        #expect(expired.map(\.completion) == [1, 2])
        #expect(expired.allSatisfy { $0.error.code == .requestTimeout && !$0.error.isOutcomeUnknown })
        #expect(session.machine.deadline == nil)
        #expect(session.machine.outstanding == 0)
    }

    @Test("requests that were cancelled, answered or lost with the connection do not time out")
    func ended() throws {
        var session = MachineDriver(depth: 2, requestTimeout: .seconds(1))
        try session.establish(timeout: 30_000)
        for number in 1...4 { _ = session.submit(number) }
        _ = session.reply(1)
        #expect(session.machine.cancel(id: 2) != nil)
        #expect(session.machine.cancel(id: 4) != nil)
        #expect(session.machine.expireRequests(now: session.now + .seconds(1)).map(\.completion) == [3])
        _ = session.submit(5)
        #expect(session.machine.connectionClosed(reason: "test").map(\.completion) == [5])
        #expect(session.machine.expireRequests(now: session.now + .hours(1)).isEmpty)
    }

    @Test("without a timeout no request has a deadline")
    func none() throws {
        var session = MachineDriver()
        _ = session.submit(1)
        #expect(session.machine.deadline == nil)
        #expect(session.machine.expireRequests(now: .distantFuture).isEmpty)
    }
}
