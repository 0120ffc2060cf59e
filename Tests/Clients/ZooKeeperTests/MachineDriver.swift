import NIOCore
import Testing

@testable import ZooKeeper

/// Drives the state machine as its owner does. A completion is the number of the request.
struct MachineDriver {
    var machine: SessionStateMachine<Int>
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(
        timeout: TimeAmount = .seconds(30), depth: Int = 256, outstanding: Int = 16_384, credentials: [Credential] = [],
        requestTimeout: TimeAmount? = nil
    ) {
        var settings = SessionStateMachine<Int>.Settings()
        settings.requestedTimeout = timeout
        settings.pipelineDepth = depth
        settings.maximumOutstanding = outstanding
        settings.credentials = credentials
        settings.requestTimeout = requestTimeout
        machine = SessionStateMachine(settings: settings)
    }

    mutating func open() throws -> ConnectRequest {
        var frame = machine.connectionOpened(now: now)
        _ = try frame.readJuteInt()
        return try ConnectRequest(reading: &frame)
    }

    mutating func answerHandshake(id: Int64 = 7, timeout: Int32 = 9_000) -> SessionStateMachine<Int>.ReceiveAction {
        var frame = ConnectResponse(
            timeout: timeout, sessionID: id, password: ByteBuffer(repeating: 9, count: 16), readOnly: false
        ).frame
        frame.moveReaderIndex(forwardBy: 4)
        return machine.received(frame, now: now)
    }

    /// Opens the connection; the server accepts the handshake.
    mutating func establish(id: Int64 = 7, timeout: Int32 = 9_000) throws {
        _ = try open()
        guard case .established = answerHandshake(id: id, timeout: timeout) else {
            Issue.record("the session was not established")
            return
        }
    }

    mutating func reply(
        _ xid: Int32, zxid: Int64 = 1, error: Int32 = 0, body: String = ""
    ) -> SessionStateMachine<Int>.ReceiveAction {
        var frame = ByteBuffer()
        ReplyHeader(xid: xid, zxid: zxid, error: error).write(to: &frame)
        frame.writeString(body)
        return machine.received(frame, now: now)
    }

    /// Submits a `sync`, which is no write.
    mutating func submit(_ number: Int) -> SessionStateMachine<Int>.SubmitAction {
        submit(.sync(path: "/\(number)"), number)
    }

    mutating func submitWrite(_ number: Int) -> SessionStateMachine<Int>.SubmitAction {
        submit(.delete(path: "/\(number)", version: -1), number)
    }

    private mutating func submit(_ operation: Operation, _ number: Int) -> SessionStateMachine<Int>.SubmitAction {
        machine.submit(operation, path: "/\(number)", id: UInt64(number), completion: number, now: now)
    }
}

func xid(_ frame: ByteBuffer?) -> Int32? {
    frame?.getInteger(at: frame!.readerIndex + 4)
}
