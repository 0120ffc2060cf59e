internal import NIOCore
internal import Synchronization
internal import ZooKeeper

/// Hands what a channel says to the server, which runs on the same event loop.
final class ZooKeeperServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let nextID = Atomic(0)

    private let server: ZooKeeperServer
    private let id = nextID.add(1, ordering: .relaxed).newValue

    init(server: ZooKeeperServer) {
        self.server = server
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        let id = id
        server.assumeIsolated { $0.opened(id, channel) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let id = id
        server.assumeIsolated { $0.received(frame, on: id) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let id = id
        server.assumeIsolated { $0.flush(id) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Later: it may have been writing a reply that brought this, and the next one must come after it.
        let (server, id) = (server, id)
        context.eventLoop.execute { server.assumeIsolated { $0.proceed(id) } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let id = id
        server.assumeIsolated { $0.closed(id) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Answers made before still go out.
        context.flush()
        context.close(promise: nil)
    }
}

extension ZnodeTree.Reply {
    /// The body of a reply; the operation decides what of the answer the client is told.
    func write(to buffer: inout ByteBuffer, code: OpCode?) {
        switch self {
        case .children(let names, let stat):
            buffer.writeJuteStrings(names)
            if code == .getChildren2 { stat.write(to: &buffer) }
        case .data(let data, let stat):
            buffer.writeJuteBuffer(data)
            stat.write(to: &buffer)
        case .stat(let stat):
            stat.write(to: &buffer)
        case .acl(let acl, let stat):
            buffer.writeJuteACL(acl)
            stat.write(to: &buffer)
        case .created(let path, let stat):
            buffer.writeJuteString(path)
            if code != .create { stat.write(to: &buffer) }
        case .multi(let reply, let count):
            reply.write(to: &buffer, count: count)
        case .synced(let path):
            buffer.writeJuteString(path)
        case .done:
            // An `ErrorResponse` without an error.
            if code == .addWatch { buffer.writeInteger(0, as: Int32.self) }
        }
    }
}
