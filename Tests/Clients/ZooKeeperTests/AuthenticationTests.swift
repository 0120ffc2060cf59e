import NIOCore
import Testing

@testable import ZooKeeper

@Suite("Credentials")
struct AuthenticationTests {
    private static let credentials = [
        Credential.digest(user: "ada", password: "hidden"), Credential(scheme: "other", secret: [1, 2]),
    ]

    @Test("credentials are sent on every connection; requests wait until the server has accepted all of them")
    func order() throws {
        var session = MachineDriver(credentials: Self.credentials)
        for _ in 0..<2 {
            _ = try session.open()
            guard case .authenticate(let frames) = session.answerHandshake() else {
                Issue.record("the credentials were not sent")
                return
            }
            #expect(frames.map { xid($0) } == [ReservedXid.auth, ReservedXid.auth])
            guard case .wait = session.submit(1), case .none = session.reply(ReservedXid.auth),
                case .established(_, _, _, let send) = session.reply(ReservedXid.auth)
            else {
                Issue.record("the order was not kept")
                return
            }
            #expect(send.count == 1)
            _ = session.machine.connectionClosed(reason: "test")
        }
    }

    @Test("a refused credential fails the waiting requests with authFailed; the message names only its scheme")
    func refused() throws {
        var session = MachineDriver(credentials: Self.credentials)
        _ = try session.open()
        _ = session.answerHandshake()
        _ = session.submit(1)
        _ = session.reply(ReservedXid.auth)
        guard case .drop(let reason) = session.reply(ReservedXid.auth, error: -115) else {
            Issue.record("it was taken")
            return
        }
        #expect(reason == "the server refused the other credential")
        let failed = session.machine.connectionClosed(reason: reason)
        #expect(failed.map(\.error.code) == [.authFailed])
        #expect(failed.map(\.error.path) == ["/1"])
        _ = session.submit(2)
        #expect(session.machine.connectionClosed(reason: "test").map(\.error.code) == [.connectionLoss])
    }

    @Test("an ensemble that requires SASL refuses a request or an idle client, and says so")
    func requiresSASL() throws {
        var session = MachineDriver(depth: 1)
        try session.establish()
        for number in 1...2 { _ = session.submit(number) }
        guard case .complete(1, .failure(let error), nil) = session.reply(1, error: -124) else {
            Issue.record("the next request was sent to a server that refuses the client")
            return
        }
        #expect(error.code == .requiresSASL)
        #expect(session.machine.refusal?.message.contains("SASL") == true)
        #expect(session.machine.connectionClosed(reason: "test").map(\.error.code) == [.requiresSASL])

        var idle = MachineDriver()
        try idle.establish()
        guard case .drop(let reason) = idle.reply(ReservedXid.ping, error: -124) else {
            Issue.record("the refusal of a ping was ignored")
            return
        }
        #expect(reason.contains("SASL"))
    }

    @Test("a server that does not reply to credentials costs the connection")
    func silence() throws {
        var session = MachineDriver(credentials: Self.credentials)
        _ = try session.open()
        _ = session.answerHandshake(timeout: 9_000)
        #expect(session.machine.deadline == session.now + .seconds(6))
        guard case .drop = session.machine.timerFired(now: session.now + .seconds(6)) else {
            Issue.record("still waiting")
            return
        }
    }

    @Test("no description contains the secret")
    func redaction() {
        let credential = Self.credentials[0]
        var dumped = ""
        dump(credential, to: &dumped)
        for text in ["\(credential)", String(reflecting: credential), dumped, "\(Self.credentials)"] {
            #expect(!text.contains("hidden"))
            #expect(text.contains("digest"))
        }
        #expect(String(buffer: credential.frame).contains("ada:hidden"))
    }
}
