package import NIOCore
internal import NIOHPACK
internal import NIOHTTP2
internal import Text

/// One call that a client made. Its functions run on its event loop.
package struct GRPCServerCall: Sendable {
    /// What a call tells the one who serves it.
    package struct Observer {
        package var onMessage: (ByteBuffer) -> Void
        /// Called once, when the client's half or the whole stream has ended.
        package var onEnd: () -> Void

        package init(onMessage: @escaping (ByteBuffer) -> Void, onEnd: @escaping () -> Void) {
            self.onMessage = onMessage
            self.onEnd = onEnd
        }
    }

    /// `/package.Service/Method`.
    package let path: String
    /// The client's address, for people.
    package let peer: String
    package let eventLoop: any EventLoop
    fileprivate let handler: NIOLoopBound<GRPCServerStreamHandler>

    /// Sends one message, which may come in parts. The parts are not copied.
    package func send(_ parts: [ByteBuffer]) { handler.value.send(parts) }

    /// Ends the call.
    package func end(_ status: GRPCStatus) { handler.value.end(status) }
}

/// Carries one call over one stream. It stays on its event loop.
final class GRPCServerStreamHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private enum State {
        case awaitingHeaders
        case open(GRPCServerCall.Observer)
        case ended
    }

    private let peer: String
    private let accept: (GRPCServerCall) -> GRPCServerCall.Observer?
    private var state = State.awaitingHeaders
    private var messages: GRPCMessages
    private var context: ChannelHandlerContext?

    init(
        messageLimit: Int, peer: SocketAddress?,
        accept: @escaping (GRPCServerCall) -> GRPCServerCall.Observer?
    ) {
        messages = GRPCMessages(limit: messageLimit)
        self.peer = peer.flatMap { address in address.ipAddress.map { "\($0):\(address.port ?? 0)" } } ?? "unknown"
        self.accept = accept
    }

    // MARK: Sending

    func send(_ parts: [ByteBuffer]) {
        guard case .open = state, let context else { return }
        let length = parts.reduce(0) { $0 + $1.readableBytes }
        guard let length = UInt32(exactly: length) else {
            return end(GRPCStatus(.resourceExhausted, "the message is longer than gRPC allows"))
        }
        var prefix = context.channel.allocator.buffer(capacity: GRPCMessages.prefixLength)
        prefix.writeInteger(0, as: UInt8.self)
        prefix.writeInteger(length)
        for part in [prefix] + parts where part.readableBytes > 0 {
            context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(part)))), promise: nil)
        }
        context.flush()
    }

    func end(_ status: GRPCStatus) {
        switch state {
        case .awaitingHeaders, .ended: return
        case .open(let observer):
            state = .ended
            writeTrailers(status)
            observer.onEnd()
        }
    }

    private func writeTrailers(_ status: GRPCStatus, isOnly: Bool = false) {
        guard let context else { return }
        var headers: HPACKHeaders = isOnly ? [":status": "200", "content-type": "application/grpc"] : [:]
        headers.add(name: "grpc-status", value: "\(status.code.rawValue)")
        if !status.message.isEmpty { headers.add(name: "grpc-message", value: status.message.percentEncoded) }
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: headers, endStream: true))), promise: nil)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        gone()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let content):
            if case .awaitingHeaders = state { begin(context, content.headers) }
            if content.endStream { end(GRPCStatus(.ok)) }
        case .data(let content):
            guard case .byteBuffer(let bytes) = content.data else { return }
            received(bytes)
            if content.endStream { end(GRPCStatus(.ok)) }
        default: break
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ headers: HPACKHeaders) {
        let path = headers.first(name: ":path") ?? ""
        guard headers.first(name: ":method") == "POST",
            headers.first(name: "content-type")?.hasPrefix("application/grpc") == true
        else { return refuse(GRPCStatus(.internal, "the request is not of gRPC")) }
        let call = GRPCServerCall(
            path: path, peer: peer, eventLoop: context.eventLoop,
            handler: NIOLoopBound(self, eventLoop: context.eventLoop))
        guard let observer = accept(call) else {
            return refuse(GRPCStatus(.unimplemented, "\(path) is not served here"))
        }
        state = .open(observer)
        let headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        context.writeAndFlush(wrapOutboundOut(.headers(.init(headers: headers))), promise: nil)
    }

    private func refuse(_ status: GRPCStatus) {
        state = .ended
        writeTrailers(status, isOnly: true)
    }

    private func received(_ bytes: ByteBuffer) {
        guard case .open = state else { return }
        messages.append(bytes)
        do throws(GRPCStatus) {
            while case .open(let observer) = state, let message = try messages.next() { observer.onMessage(message) }
        } catch {
            end(error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        gone()
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    /// The stream is over, and nothing can be sent any more.
    private func gone() {
        guard case .open(let observer) = state else { return }
        state = .ended
        observer.onEnd()
    }
}
