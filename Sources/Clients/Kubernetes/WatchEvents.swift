internal import AsyncHTTPClient
internal import NIOCore
internal import Text

/// The parameters of a watch.
struct Watching: Sendable {
    var type: ResourceType
    var namespace: String?
    var labelSelector: String?
    var fieldSelector: String?
    var representation: Representation

    func request(from resourceVersion: String, timeout: Duration) throws(KubernetesError) -> APIRequest {
        var request = APIRequest(
            path: try type.path(namespace: namespace),
            query: [
                (name: "watch", value: "true"), (name: "allowWatchBookmarks", value: "true"),
                (name: "resourceVersion", value: resourceVersion),
                (name: "timeoutSeconds", value: String(max(timeout.components.seconds, 1))),
            ],
            accept: representation.acceptingObject)
        if let labelSelector { request.query.append((name: "labelSelector", value: labelSelector)) }
        if let fieldSelector { request.query.append((name: "fieldSelector", value: fieldSelector)) }
        return request
    }
}

/// The events of one watch. The connection is read when an event is asked for, so a slow consumer slows the server.
///
/// Each iteration is a request of its own.
public struct WatchEvents: AsyncSequence, Sendable {
    public typealias Element = WatchEvent
    public typealias Failure = KubernetesError

    let transport: Transport
    let watching: Watching
    let resourceVersion: String
    let timeout: Duration

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: self)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private enum State {
            case initial
            case open(Stream)
            case done
        }

        private struct Stream {
            var request: APIRequest
            var chunks: HTTPClientResponse.Body.AsyncIterator
            /// It is held because a pool closes when nobody holds it.
            var pool: ConnectionPool
            var decoder: WatchDecoder
        }

        private let source: WatchEvents
        private var state = State.initial

        init(source: WatchEvents) {
            self.source = source
        }

        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(KubernetesError) -> WatchEvent? {
            try await open(isolation: actor)
            guard case .open(var stream) = state else { return nil }
            // Any failure ends the watch and releases the connection.
            state = .done
            guard let event = try await Self.next(of: &stream, source.transport, isolation: actor) else { return nil }
            state = .open(stream)
            return event
        }

        /// Waits until the server has accepted the watch. A second call does nothing. ``next(isolation:)`` opens the
        /// watch too, and returns with its first event.
        mutating func open(isolation actor: isolated (any Actor)? = #isolation) async throws(KubernetesError) {
            guard case .initial = state else { return }
            state = .done
            let request = try source.watching.request(from: source.resourceVersion, timeout: source.timeout)
            let reply = try await source.transport.open(request)
            state = .open(
                Stream(
                    request: request, chunks: reply.body.makeAsyncIterator(), pool: reply.pool,
                    decoder: WatchDecoder(limit: source.transport.options.maximumEventBytes, label: request.label)))
        }

        private static func next(
            of stream: inout Stream, _ transport: Transport, isolation actor: isolated (any Actor)?
        ) async throws(KubernetesError) -> WatchEvent? {
            while true {
                if let event = try stream.decoder.next() { return event }
                guard let chunk = try await chunk(of: &stream, transport, isolation: actor) else {
                    try stream.decoder.finish()
                    return nil
                }
                stream.decoder.append(chunk)
            }
        }

        private static func chunk(
            of stream: inout Stream, _ transport: Transport, isolation actor: isolated (any Actor)?
        ) async throws(KubernetesError) -> ByteBuffer? {
            do {
                let chunk = try await stream.chunks.next(isolation: actor)
                // The body of a cancelled request may look complete.
                if chunk == nil, Task.isCancelled { throw CancellationError() }
                return chunk
            } catch let error as HTTPClientError where error == .readTimeout {
                await transport.retire(stream.pool)
                throw KubernetesError(
                    code: .idle,
                    message: "no event or bookmark came for \(transport.options.watchIdleTimeout.readable)",
                    path: stream.request.label)
            } catch {
                throw transport.failure(error, of: stream.request)
            }
        }
    }
}
