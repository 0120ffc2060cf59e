package import NIOCore
internal import NIOHPACK
internal import NIOHTTP2

/// One HTTP/2 connection to one server, with calls of gRPC over it.
///
/// It never connects again and never spreads calls over connections. A server that binds state to a connection, as
/// Nacos does, gets all calls of a client over one, and the client knows when it ends and what the server said then.
///
/// Its functions run on the event loop of `channel`, and so do the closures that they take.
package struct GRPCConnection: Sendable {
    package struct Settings: Sendable {
        /// The longest accepted message in bytes.
        package var messageLimit = 10 << 20
        /// How many bytes the server may send ahead, on each stream and on the connection.
        package var windowSize = 4 << 20
        package var connectTimeout = TimeAmount.seconds(3)

        package init() {}
    }

    package let channel: any Channel
    let handler: NIOLoopBound<GRPCConnectionHandler>
    let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    let settings: Settings
    let authority: String
    let scheme: String
}

extension GRPCConnection {
    /// Sends one message and ends the client's half.
    ///
    /// - Parameters:
    ///   - path: `/package.Service/Method`.
    ///   - metadata: Further headers of the request, by names in lower case.
    ///   - onEnd: Called once, after the last message.
    package func call(
        _ path: String, _ message: [UInt8], metadata: [String: String] = [:],
        onMessage: @escaping @Sendable (ByteBuffer) -> Void, onEnd: @escaping @Sendable (GRPCStatus) -> Void
    ) -> GRPCStream {
        let stream = open(path, metadata: metadata, onMessage: onMessage, onEnd: onEnd)
        stream.send(message)
        stream.finish()
        return stream
    }

    /// Opens a stream whose two halves go on until one side ends its own.
    package func open(
        _ path: String, metadata: [String: String] = [:], onMessage: @escaping @Sendable (ByteBuffer) -> Void,
        onEnd: @escaping @Sendable (GRPCStatus) -> Void
    ) -> GRPCStream {
        let handler = GRPCStreamHandler(
            headers: headers(path, metadata), messageLimit: settings.messageLimit, onMessage: onMessage, onEnd: onEnd)
        let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
        guard channel.isActive else {
            channel.eventLoop.execute { bound.value.failed(ChannelError.ioOnClosedChannel) }
            return GRPCStream(handler: bound)
        }
        let created = channel.eventLoop.makePromise(of: (any Channel).self)
        created.futureResult.whenFailure { bound.value.failed($0) }
        multiplexer.createStreamChannel(promise: created) { stream in
            stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(bound.value) }
        }
        return GRPCStream(handler: bound)
    }

    private func headers(_ path: String, _ metadata: [String: String]) -> HPACKHeaders {
        var headers: HPACKHeaders = [
            ":method": "POST", ":scheme": scheme, ":path": path, ":authority": authority,
            "content-type": "application/grpc", "te": "trailers",
        ]
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { headers.add(name: name, value: value) }
        return headers
    }
}

/// One call, as its caller sees it. Its functions run on the connection's event loop.
package struct GRPCStream: Sendable {
    fileprivate let handler: NIOLoopBound<GRPCStreamHandler>

    package func send(_ message: [UInt8]) { handler.value.send(message) }

    /// Ends the client's half.
    package func finish() { handler.value.finish() }

    /// Gives the call up: nothing of it is reported any more.
    package func cancel() { handler.value.cancel() }
}
