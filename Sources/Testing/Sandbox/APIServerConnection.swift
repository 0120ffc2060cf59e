internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// One connection: reads requests and answers them in order, for as long as the client keeps it.
struct APIServerConnection: Sendable {
    typealias Writer = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    private struct Message: Sendable {
        var head: HTTPRequestHead
        var body = ByteBuffer()
        var isTooLarge = false
    }

    /// As kube-apiserver has it.
    private static let largestBody = 3 * 1024 * 1024
    /// Requests of one connection that may wait while another is answered, as during a watch.
    private static let longestQueue = 16

    let server: APIServer
    /// With a pipeline for HTTP, and not read from yet.
    let socket: any Channel

    func run() async {
        do {
            let channel = try await socket.eventLoop.submit {
                try NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>(wrappingChannelSynchronously: socket)
            }.get()
            try await channel.executeThenClose { inbound, outbound in
                try await socket.setOption(.autoRead, value: true).get()
                let (messages, queue) = AsyncStream.makeStream(
                    of: Message.self, bufferingPolicy: .bufferingOldest(Self.longestQueue))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    // Reading goes on during an answer, so that a watch ends when its client leaves.
                    group.addTask { try await read(inbound, into: queue) }
                    group.addTask {
                        for await message in messages {
                            guard try await answer(message, on: outbound) else { return }
                        }
                    }
                    try await group.next()
                    group.cancelAll()
                }
            }
        } catch {
            // A connection that breaks concerns its client, who sees it too.
            socket.close(promise: nil)
        }
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPServerRequestPart>, into queue: AsyncStream<Message>.Continuation
    ) async throws {
        var message: Message?
        for try await part in inbound {
            switch part {
            case .head(let head): message = Message(head: head)
            case .body(var bytes):
                if let length = message?.body.readableBytes, length + bytes.readableBytes > Self.largestBody {
                    message?.isTooLarge = true
                } else {
                    message?.body.writeBuffer(&bytes)
                }
            case .end:
                guard let complete = message, case .enqueued = queue.yield(complete) else { return }
                message = nil
            }
        }
    }

    /// Whether the connection can serve another request.
    private func answer(_ message: Message, on outbound: Writer) async throws -> Bool {
        let route = APIServerRoute(method: message.head.method, uri: message.head.uri, kinds: server.settings.kinds)
        let (fault, watchEpoch) = await server.admit(route.request(message.head.headers))
        switch fault {
        case nil: break
        case .respond(let code, let headers, let body):
            let text = body.map { Array($0.utf8) } ?? Self.injected(code).json.bytes
            var answer = APIServerAnswer(status: code, contentType: "application/json", body: text)
            answer.headers = headers
            return try await send(answer, to: message, on: outbound)
        case .hang:
            try await server.wait(until: { _ in false })
        case .dropConnection:
            return false
        case .loseReply:
            _ = await answer(message, route)
            return false
        case .holdReply(let condition):
            let reaction = await answer(message, route)
            try await server.wait(until: condition)
            return try await react(reaction, to: message, watchEpoch, on: outbound)
        }
        return try await react(await answer(message, route), to: message, watchEpoch, on: outbound)
    }

    private func react(
        _ reaction: Reaction, to message: Message, _ watchEpoch: Int, on outbound: Writer
    ) async throws -> Bool {
        switch reaction {
        case .complete(let answer): return try await send(answer, to: message, on: outbound)
        case .stream(let watch):
            try await watch.run(
                on: outbound, version: message.head.version, epoch: watchEpoch, clock: server.settings.clock)
            return message.head.isKeepAlive
        }
    }

    private enum Reaction {
        case complete(APIServerAnswer)
        case stream(APIServerWatch)
    }

    private func answer(_ message: Message, _ route: APIServerRoute) async -> Reaction {
        do throws(APIServerStatus) {
            if message.isTooLarge {
                throw APIServerStatus(
                    code: 413, reason: "RequestEntityTooLarge", message: "limit is \(Self.largestBody) bytes")
            }
            let accepted = APIServerMediaType.accepted(message.head.headers.first(name: "accept"))
            guard let request = try route.storeRequest(headers: message.head.headers, body: message.body) else {
                return .complete(try APIServerAnswer(to: route, accepted: accepted, kinds: server.settings.kinds))
            }
            guard let mediaType = accepted.first else {
                throw APIServerStatus(
                    code: 406, reason: "NotAcceptable",
                    message: "only the following media types are accepted: application/json")
            }
            let presentation = APIServerPresentation(
                kind: request.kind, version: request.version, mediaType: mediaType, now: server.settings.now)
            switch try await server.perform(request) {
            case .object(let object): return .complete(APIServerAnswer(presentation.object(object)))
            case .created(let object): return .complete(APIServerAnswer(presentation.object(object), status: 201))
            case .list(let list): return .complete(APIServerAnswer(presentation.list(list)))
            case .deleted(let status): return .complete(APIServerAnswer(status))
            case .watch(let watch, let events):
                return .stream(
                    APIServerWatch(
                        server: server, watch: watch, initialEvents: events, options: request.options,
                        presentation: presentation))
            }
        } catch {
            return .complete(APIServerAnswer(error.json, status: error.code))
        }
    }

    private func send(_ answer: APIServerAnswer, to message: Message, on outbound: Writer) async throws -> Bool {
        let isKeptAlive = message.head.isKeepAlive && !message.isTooLarge
        var head = HTTPResponseHead(
            version: message.head.version, status: HTTPResponseStatus(statusCode: answer.status))
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: String(answer.body.count))
        for (name, value) in answer.headers { head.headers.replaceOrAdd(name: name, value: value) }
        if !isKeptAlive { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        var parts: [HTTPServerResponsePart] = [.head(head)]
        if message.head.method != .HEAD { parts.append(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))) }
        if isKeptAlive {
            parts.append(.end(nil))
            try await outbound.write(contentsOf: parts)
        } else {
            try await outbound.write(contentsOf: parts)
            // Closing would throw away what the socket has not taken yet.
            try await socket.writeAndFlush(HTTPServerResponsePart.end(nil))
        }
        return isKeptAlive
    }

    private static func injected(_ code: Int) -> APIServerStatus {
        let reasons = [
            401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid",
            429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
        ]
        return APIServerStatus(code: code, reason: reasons[code] ?? "Unknown", message: "an injected fault")
    }
}
