internal import Addressing
internal import JSON
internal import NIOCore
internal import NIOPosix
internal import Text

@testable internal import Nacos

/// An HTTP server that gives the recorded answers of one version of Nacos.
///
/// A request gets the recorded answer of its method and path with the most parameters in common. What was not recorded
/// gets 404, as an unknown path does.
final class RecordedHTTPServer: Sendable {
    private let listener: any Channel

    var server: NacosServer { NacosServer(.init(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)) }

    /// - Parameters:
    ///   - isLeftOut: Whether a recording, by its name, is left out.
    ///   - additions: More entries, in the form of the recordings.
    static func run<Value>(
        _ version: String, leavingOut isLeftOut: @escaping @Sendable (String) -> Bool = { _ in false },
        adding additions: [JSONValue] = [],
        _ body: (RecordedHTTPServer) async throws -> Value
    ) async throws -> Value {
        let entries =
            try Recording.all().filter { $0.name.hasPrefix("\(version)/") && !isLeftOut($0.name) }
            .flatMap(\.exchange).filter { $0["request"] != nil } + additions
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(entries: entries))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            let value = try await body(RecordedHTTPServer(listener: listener))
            try? await listener.close()
            return value
        } catch {
            try? await listener.close()
            throw error
        }
    }

    private init(listener: any Channel) {
        self.listener = listener
    }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let entries: [JSONValue]
    private var text = ""

    init(entries: [JSONValue]) {
        self.entries = entries
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        text += String(buffer: unwrapInboundIn(data))
        guard let head = text.firstRange(of: "\r\n\r\n") else { return }
        let lines = text[..<head.lowerBound].split(separator: "\r\n")
        let length =
            lines.compactMap { line -> Int? in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.first?.lowercased() == "content-length" ? Int(parts[1].filter(\.isNumber)) : nil
            }.first ?? 0
        let body = text[head.upperBound...]
        guard body.utf8.count >= length, let first = lines.first else { return }
        text = ""
        let words = first.split(separator: " ")
        let target = words[1].split(separator: "?", maxSplits: 1).map(String.init)
        let parameters = ((target.count > 1 ? target[1] : "") + "&" + body).split(separator: "&").map(String.init)
        // A name with the default group is the name alone.
        let plain = parameters.map { $0.replacing("DEFAULT_GROUP%40%40", with: "") }
        let answer = answer(String(words[0]), target[0], Set(plain))
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
    }

    private func answer(_ method: String, _ path: String, _ parameters: Set<String>) -> String {
        let candidates = entries.filter { entry in
            entry["request"]?["method"]?.string == method && entry["request"]?["path"]?.string == path
        }
        let best = candidates.max { Self.likeness($0, parameters) < Self.likeness($1, parameters) }
        if let raw = best?["rawResponse"]?.string { return raw }
        guard let response = best?["response"] else {
            return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        }
        let body = response["body"]?.string ?? String(decoding: (response["body"] ?? .null).bytes, as: UTF8.self)
        return "HTTP/1.1 \(response["status"]?.integer ?? 0) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func likeness(_ entry: JSONValue, _ parameters: Set<String>) -> Int {
        let recorded = ["query", "form"].flatMap { entry["request"]?[$0]?.object?.members ?? [] }.map { member in
            "\(member.key)=\((member.value.string ?? String(decoding: member.value.bytes, as: UTF8.self)).percentEncoded)"
        }
        return recorded.count { parameters.contains($0) } * 2 - recorded.count
    }
}
