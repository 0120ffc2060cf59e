internal import NIOCore

/// Hands what one side of a connection says to the proxy, which runs on the same event loop.
final class ChaosHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let proxy: ChaosProxy
    private let id: Int
    /// The way of what this side sends.
    private let direction: ChaosProxy.Direction
    private var wasReset = false

    init(proxy: ChaosProxy, id: Int, direction: ChaosProxy.Direction) {
        self.proxy = proxy
        self.id = id
        self.direction = direction
    }

    func channelActive(context: ChannelHandlerContext) {
        guard direction == .toUpstream else { return }
        let (channel, id) = (context.channel, id)
        proxy.assumeIsolated { $0.accepted(id, channel) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let (bytes, id, direction) = (unwrapInboundIn(data), id, direction)
        proxy.assumeIsolated { $0.received(bytes, on: id, going: direction) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return }
        let (id, direction) = (id, direction)
        proxy.assumeIsolated { $0.finished(.half, on: id, going: direction) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Later: it may have been writing that brought this, and the next bytes must come after those.
        let (proxy, id, direction) = (proxy, id, direction.reversed)
        context.eventLoop.execute { proxy.assumeIsolated { $0.pump(id, going: direction) } }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        wasReset = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        let (id, direction, end) = (id, direction, wasReset ? ChaosFlow.End.reset : .whole)
        proxy.assumeIsolated { $0.left(id, going: direction, end) }
    }
}
