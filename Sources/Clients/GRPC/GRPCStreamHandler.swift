internal import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// Carries one call over one stream. It stays on its event loop.
final class GRPCStreamHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private enum Sending {
        /// Not active yet. The messages go out with the headers.
        case waiting([ByteBuffer], endsStream: Bool)
        case open
        case ended
        /// Given up before the stream was active.
        case abandoned
    }

    private let headers: HPACKHeaders
    private var response: GRPCResponse
    private let onMessage: @Sendable (ByteBuffer) -> Void
    private let onEnd: @Sendable (GRPCStatus) -> Void
    private var sending = Sending.waiting([], endsStream: false)
    private var context: ChannelHandlerContext?

    init(
        headers: HPACKHeaders, messageLimit: Int, onMessage: @escaping @Sendable (ByteBuffer) -> Void,
        onEnd: @escaping @Sendable (GRPCStatus) -> Void
    ) {
        self.headers = headers
        response = GRPCResponse(messageLimit: messageLimit)
        self.onMessage = onMessage
        self.onEnd = onEnd
    }

    // MARK: Sending

    func send(_ message: [UInt8]) {
        let allocator = context?.channel.allocator ?? ByteBufferAllocator()
        let frame = GRPCMessages.framed(message, allocator: allocator)
        switch sending {
        case .waiting(let messages, let endsStream): sending = .waiting(messages + [frame], endsStream: endsStream)
        case .open: write(frame, endsStream: false)
        case .ended, .abandoned: break
        }
    }

    /// Ends the client's half. The server's half goes on.
    func finish() {
        switch sending {
        case .waiting(let messages, _): sending = .waiting(messages, endsStream: true)
        case .open:
            write(ByteBuffer(), endsStream: true)
            sending = .ended
        case .ended, .abandoned: break
        }
    }

    /// Gives the call up. Nothing is reported any more.
    func cancel() {
        _ = response.closed(GRPCStatus(.cancelled))
        if case .waiting = sending {
            sending = .abandoned
        } else {
            sending = .ended
            context?.close(promise: nil)
        }
    }

    /// The stream could not be opened.
    func failed(_ error: any Error) {
        sending = .ended
        report(response.closed(GRPCStatus(.unavailable, "no stream can be opened: \(error)")))
    }

    private func write(_ frame: ByteBuffer, endsStream: Bool) {
        guard let context else { return }
        let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(frame), endStream: endsStream))
        context.writeAndFlush(wrapOutboundOut(payload), promise: nil)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        if case .abandoned = sending { context.close(promise: nil) }
        guard case .waiting(let messages, let endsStream) = sending else { return }
        sending = endsStream ? .ended : .open
        context.write(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
        for (index, message) in messages.enumerated() {
            let isLast = endsStream && index == messages.count - 1
            context.write(
                wrapOutboundOut(.data(.init(data: .byteBuffer(message), endStream: isLast))), promise: nil)
        }
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let content):
            report(response.received(headers: content.headers, endsStream: content.endStream))
        case .data(let content):
            guard case .byteBuffer(let bytes) = content.data else { return }
            report(response.received(data: bytes, endsStream: content.endStream))
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let status =
            if let closed = error as? NIOHTTP2Errors.StreamClosed {
                GRPCStatus(reset: closed.errorCode)
            } else {
                GRPCStatus(.unavailable, "\(error)")
            }
        report(response.closed(status))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        report(response.closed(GRPCStatus(.unavailable, "the connection ended")))
        context.fireChannelInactive()
    }

    private func report(_ events: [GRPCResponse.Event]) {
        for event in events {
            switch event {
            case .message(let message): onMessage(message)
            case .end(let status):
                // A server may end its half and leave ours open. Nothing of it matters any more.
                if case .open = sending { context?.close(promise: nil) }
                sending = .ended
                onEnd(status)
            }
        }
    }
}
