internal import GRPC
internal import NIOCore

// What crosses the connection to a server of 2.x or later.
extension NacosClient {
    private static let unaryPath = "/Request/request"
    private static let streamPath = "/BiRequestStream/requestBiStream"

    func call(_ id: UInt64, _ request: NacosRequest) {
        guard let wire else { return }
        let headers = credentials.headers(for: request)
        self.wire?.calls[id] = wire.connection.call(Self.unaryPath, request.payload(headers: headers).bytes) { bytes in
            self.assumeIsolated { $0.answered(id, bytes) }
        } onEnd: { status in
            self.assumeIsolated { $0.callEnded(id, status) }
        }
    }

    private func answered(_ id: UInt64, _ bytes: ByteBuffer) {
        // The call may have been given up.
        guard wire?.calls[id] != nil else { return }
        guard let payload = Payload(bytes: bytes.readableBytesView) else {
            handle { $0.callFailed(id, NacosError(.malformedReply), now: $1) }
            return
        }
        handle { $0.answered(id, payload, now: $1) }
    }

    private func callEnded(_ id: UInt64, _ status: GRPCStatus) {
        guard wire?.calls.removeValue(forKey: id) != nil else { return }
        // After an answer the machine knows no such call any more.
        let error =
            status.code == .ok ? NacosError(.malformedReply, "the call ended without an answer") : NacosError(status)
        handle { $0.callFailed(id, error, now: $1) }
    }

    func openStream(_ first: NacosRequest) {
        guard let wire else { return }
        let stream = wire.connection.open(Self.streamPath) { bytes in
            self.assumeIsolated { $0.received(bytes) }
        } onEnd: { status in
            self.assumeIsolated { client in
                client.handle { machine, _ in machine.streamEnded("the server ended the stream (\(status))") }
            }
        }
        stream.send(first.payload().bytes)
        self.wire?.stream = stream
        // The registration is asked for when the stream's first message is on its way.
        eventLoop.execute { self.assumeIsolated { $0.handle { $0.streamOpened(now: $1) } } }
    }

    private func received(_ bytes: ByteBuffer) {
        guard let payload = Payload(bytes: bytes.readableBytesView) else {
            handle { machine, _ in machine.drop("a message of the server is not of Nacos") }
            return
        }
        handle { $0.received(payload, now: $1) }
    }

    /// Closes the connection. The first reason counts.
    func close(_ reason: String) {
        closeReason = closeReason ?? reason
        guard let wire else { return }
        // Whatever is in the stream's buffer, such as the answer to a reset, goes out first.
        wire.stream?.finish()
        eventLoop.execute { wire.connection.channel.close(promise: nil) }
    }
}

extension NacosError {
    fileprivate init(_ status: GRPCStatus) {
        let code: Code =
            switch status.code {
            case .cancelled, .unavailable, .aborted: .disconnected
            case .deadlineExceeded: .timedOut
            case .permissionDenied, .unauthenticated: .forbidden
            case .resourceExhausted: .replyTooLarge
            case .unimplemented: .unsupported
            default: .failed
            }
        self.init(code, "the call failed (\(status))")
    }
}
