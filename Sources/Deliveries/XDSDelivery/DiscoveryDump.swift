internal import GRPC
package import IstioAPI
internal import IstioProtobuf
internal import JSON
package import NIOCore
internal import NIOPosix
package import NIOSSL
internal import Synchronization

/// Asks a config source once, as istiod does, for the kinds that Isthmus has.
package struct DiscoveryDump: Sendable {
    /// The kinds that are asked for.
    package static var kinds: [ResourceKind] { ResourceKind.served }

    /// A kind and its complete set.
    package struct Answer: Sendable {
        package var kind: ResourceKind
        package var resources: [Resource]
        package var bytes: Int
    }

    /// Why there is no answer.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    private final class Collected: Sendable {
        private let state = Mutex((answers: [Answer](), isOver: false))

        var answers: [Answer] { state.withLock { $0.answers }.sorted { $0.kind < $1.kind } }

        /// - Returns: Whether the collection is over by that.
        func end() -> Bool {
            state.withLock { state in
                defer { state.isOver = true }
                return !state.isOver
            }
        }

        /// - Returns: Whether nothing is missing any more.
        func take(_ message: ByteBuffer) throws -> Bool {
            let response = try DiscoveryResponse(bytes: Array(message.readableBytesView)[...])
            guard let kind = ResourceKind(configType: response.typeURL) else { return false }
            let resources = try response.resources.map { try MCPResource(any: $0[...]).resource }
            return state.withLock { state in
                state.answers.append(Answer(kind: kind, resources: resources, bytes: message.readableBytes))
                return state.answers.count == ResourceKind.served.count
            }
        }
    }

    /// - Parameters:
    ///   - revision: What it says is its `ISTIO_REVISION`.
    ///   - limit: How long to wait for all answers.
    /// - Returns: The answers, sorted; those of some kinds are missing where the server has no say yet.
    /// - Throws: `Failure` where nothing can be asked.
    package static func take(
        host: String, port: Int, tls: NIOSSLContext? = nil, revision: String = "default", within limit: TimeAmount
    ) async throws -> [Answer] {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        let ended = eventLoop.makePromise(of: Void.self)
        let collected = Collected()
        var settings = GRPCConnection.Settings()
        // istiod takes as much.
        settings.messageLimit = Int(Int32.max)
        let connected = eventLoop.flatSubmit { [settings] in
            GRPCConnection.connect(
                host: host, port: port, tls: tls.map { ($0, host.first?.isLetter == true ? host : nil) },
                on: eventLoop, settings: settings
            ).map { connection in
                let stream = connection.open(DiscoveryCall.path) { message in
                    do {
                        if try collected.take(message), collected.end() { ended.succeed() }
                    } catch {
                        if collected.end() { ended.fail(Failure(description: "the answer can't be read: \(error)")) }
                    }
                } onEnd: { status in
                    if collected.end() { ended.fail(Failure(description: "the server ended the stream: \(status)")) }
                }
                for kind in Self.kinds {
                    let node = DiscoveryRequest.Node(
                        id: "sidecar~127.0.0.1~isthmus-xds-dump.none~none.svc.cluster.local",
                        metadata: JSONObject([(key: "ISTIO_REVISION", value: .string(revision))]))
                    stream.send(DiscoveryRequest(node: node, typeURL: kind.configType, nonce: "dump").bytes)
                }
                eventLoop.scheduleTask(in: limit) { if collected.end() { ended.succeed() } }
                return connection.channel
            }
        }
        let channel: any Channel
        do {
            channel = try await connected.get()
        } catch {
            if collected.end() { ended.succeed() }
            throw Failure(description: "no server answers at \(host):\(port): \(error)")
        }
        let outcome = await ended.futureResult.result
        try? await channel.close()
        try outcome.get()
        return collected.answers
    }
}

extension EventLoopFuture where Value == Void {
    fileprivate var result: Result<Void, any Error> {
        get async {
            do { return .success(try await get()) } catch { return .failure(error) }
        }
    }
}
