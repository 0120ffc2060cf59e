internal import NIOCore
internal import NIOHTTP1

/// One connection of an API server to a webhook; the pipeline gives it one request at a time.
final class AdmissionWebhookHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    /// An object and what it was before, each of which an API server takes up to 3 MiB.
    private static let longestBody = 16 * 1024 * 1024

    private let webhook: AdmissionWebhook
    private var path = ""
    private var body = ByteBuffer()

    init(webhook: AdmissionWebhook) {
        self.webhook = webhook
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            path = String(head.uri.prefix { $0 != "?" })
            body = ByteBuffer()
        case .body(var bytes):
            guard body.readableBytes + bytes.readableBytes <= Self.longestBody else {
                return context.close(promise: nil)
            }
            body.writeBuffer(&bytes)
        case .end:
            let (webhook, path, body, channel) = (webhook, path, body, context.channel)
            channel.eventLoop.makeFutureWithTask {
                await webhook.answer(to: path, body)
            }.whenSuccess { answer in
                var head = HTTPResponseHead(version: .http1_1, status: answer.status)
                head.headers.add(name: "Content-Type", value: "application/json")
                head.headers.add(name: "Content-Length", value: String(answer.body.count))
                channel.write(HTTPServerResponsePart.head(head), promise: nil)
                channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: answer.body))), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
