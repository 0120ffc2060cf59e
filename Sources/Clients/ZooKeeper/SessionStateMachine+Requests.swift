package import NIOCore
internal import Text

extension SessionStateMachine {
    /// The number of requests on the wire and waiting. A cancelled request on the wire counts until its reply.
    package var outstanding: Int { inFlight.count + waiting.count }

    package enum SubmitAction {
        case send(ByteBuffer)
        /// The machine sends the request when the session is established and the wire has room.
        case wait
        case fail(Completion, ZooKeeperError)
    }

    /// - Parameters:
    ///   - path: The path as the caller gave it, for errors.
    ///   - id: Greater than the id of every earlier request.
    package mutating func submit(
        _ operation: Operation, path: String?, id: UInt64, completion: Completion, now: NIODeadline
    ) -> SubmitAction {
        if case .closing = phase { return .fail(completion, ZooKeeperError(.closed, path: path)) }
        guard outstanding < settings.maximumOutstanding else {
            let message = "\(settings.maximumOutstanding) requests are outstanding (maximumOutstandingRequests)"
            return .fail(completion, ZooKeeperError(.tooManyRequests, path: path, message: message))
        }
        waiting.append(
            .init(
                id: id, operation: operation, path: path, deadline: settings.requestTimeout.map { now + $0 },
                completion: completion))
        return sendNext(now: now).map { .send($0) } ?? .wait
    }

    /// Ends the wait for a request. A waiting request is never sent. A request on the wire counts until its reply.
    /// - Returns: `nil` for a request that has ended already.
    package mutating func cancel(id: UInt64) -> Failure? {
        if let request = waiting.remove(id: id) {
            let message = "the task of the request was cancelled before the request was sent"
            return (request.completion, ZooKeeperError(.cancelled, path: request.path, message: message))
        }
        guard let index = inFlight.firstIndex(where: { $0.id == id }) else { return nil }
        return abandon(at: index, ZooKeeperError(.cancelled))
    }

    /// Ends the wait for the requests whose deadline has passed. A request on the wire counts until its reply.
    package mutating func expireRequests(now: NIODeadline) -> [Failure] {
        guard let timeout = settings.requestTimeout else { return [] }
        let limit = "within \(Duration.nanoseconds(timeout.nanoseconds).readable) (requestTimeout)"
        var expired: [Failure] = []
        // All requests have the same timeout, so their deadlines are in the order of the queues.
        for index in inFlight.indices {
            guard let deadline = inFlight[index].deadline else { continue }
            guard deadline <= now else { break }
            let error = ZooKeeperError(.requestTimeout, message: "the reply did not arrive \(limit)")
            if let failure = abandon(at: index, error) { expired.append(failure) }
        }
        while let deadline = waiting.first?.deadline, deadline <= now, let request = waiting.popFirst() {
            let message = "the request could not be sent \(limit)"
            expired.append(
                (request.completion, ZooKeeperError(.requestTimeout, path: request.path, message: message)))
        }
        return expired
    }

    /// When `expireRequests` has to be called next; `nil` when no request has a deadline.
    var requestDeadline: NIODeadline? {
        guard settings.requestTimeout != nil else { return nil }
        return inFlight.first { $0.completion != nil && $0.deadline != nil }?.deadline ?? waiting.first?.deadline
    }

    /// Takes the completion from a request on the wire. The request keeps its place, so that its reply is matched.
    private mutating func abandon(at index: CircularBuffer<InFlight>.Index, _ error: ZooKeeperError) -> Failure? {
        guard let completion = inFlight[index].completion.take() else { return nil }
        var error = error.at(inFlight[index].path)
        error.isOutcomeUnknown = inFlight[index].isWrite
        return (completion, error)
    }

    /// Asks the server to end the session. The server closes the connection after its reply.
    /// - Returns: `nil` when there is no session to end.
    package mutating func close(now: NIODeadline) -> ByteBuffer? {
        switch phase {
        case .disconnected, .handshaking, .closing:
            return nil
        case .authenticating, .established:
            phase = .closing(deadline: now + min(readTimeout, .seconds(2)))
            return send(.closeSession, InFlight(id: .max, xid: 0, isWrite: false), now: now)
        }
    }

    mutating func sendNext(now: NIODeadline) -> ByteBuffer? {
        guard phase == .established, refusal == nil, inFlight.count < settings.pipelineDepth,
            let request = waiting.popFirst()
        else { return nil }
        let entry = InFlight(
            id: request.id, xid: 0, path: request.path, isWrite: request.operation.isWrite,
            deadline: request.deadline, completion: request.completion)
        return send(request.operation, entry, now: now)
    }

    private mutating func send(_ operation: Operation, _ entry: InFlight, now: NIODeadline) -> ByteBuffer {
        var entry = entry
        entry.xid = nextXid
        nextXid = nextXid == .max ? 1 : nextXid + 1
        inFlight.append(entry)
        lastSent = now
        return operation.frame(xid: entry.xid)
    }
}
