internal import GRPC
package import IstioAPI
internal import IstioProtobuf
internal import JSON
internal import NIOCore
internal import NIOPosix
package import NIOSSL
internal import Synchronization

/// A client of a config source that behaves like a real istiod (`Tests/Fixtures/mcp`): it asks for the same types with
/// the same node, acknowledges every set, keeps what it has while the server is away, and comes back.
package final class IstiodDouble: Sendable {
    /// What istiod 1.31 asks for, in its order.
    package static let types = [
        "core/v1alpha1/MeshConfig", "security.istio.io/v1/AuthorizationPolicy",
        "networking.istio.io/v1/DestinationRule", "networking.istio.io/v1alpha3/EnvoyFilter",
        "networking.istio.io/v1/Gateway", "security.istio.io/v1/PeerAuthentication",
        "networking.istio.io/v1beta1/ProxyConfig", "security.istio.io/v1/RequestAuthentication",
        "networking.istio.io/v1/ServiceEntry", "networking.istio.io/v1/Sidecar", "telemetry.istio.io/v1/Telemetry",
        "extensions.istio.io/v1alpha1/TrafficExtension", "networking.istio.io/v1/VirtualService",
        "extensions.istio.io/v1alpha1/WasmPlugin", "networking.istio.io/v1/WorkloadEntry",
        "networking.istio.io/v1/WorkloadGroup",
    ]

    /// How it answers a set.
    package enum Manner: Sendable {
        case acknowledging
        /// It never answers.
        case silent
        /// A real istiod never refuses a set; other clients may.
        case refusing(String)
    }

    /// A set that came.
    package struct Received: Sendable {
        package var type: String
        package var version: String
        package var nonce: String
        package var names: [String]
        package var bytes: Int
    }

    private struct State {
        var manner: Manner
        var store = IstiodStore()
        var received: [Received] = []
        /// The types that have an answer on this stream.
        var answered: Set<String> = []
        var connections = 0
        var isStopped = false
        var channel: (any Channel)?
        /// The sets that were not answered yet.
        var unanswered: [(stream: GRPCStream, request: DiscoveryRequest)] = []
    }

    private let state: Mutex<State>
    private let port: Int
    private let node: DiscoveryRequest.Node
    private let tls: NIOSSLContext?
    private let eventLoop = MultiThreadedEventLoopGroup.singleton.any()

    /// - Parameter tls: What it trusts; `nil` for plain text.
    package init(port: Int, revision: String = "default", manner: Manner = .acknowledging, tls: NIOSSLContext? = nil) {
        self.port = port
        self.tls = tls
        state = Mutex(State(manner: manner, store: IstiodStore(revision: revision)))
        node = DiscoveryRequest.Node(
            id: "sidecar~127.0.0.1~istiod-\(revision).istio-system~istio-system.svc.cluster.local",
            metadata: JSONObject([
                (key: "GENERATOR", value: "api"), (key: "ISTIO_REVISION", value: .string(revision)),
                (key: "ISTIO_VERSION", value: "65536.65536.65536"),
            ]))
    }

    /// Connects, and comes back after each end, until the task is cancelled.
    package func run() async {
        await withTaskCancellationHandler {
            while !Task.isCancelled {
                await connectOnce()
                try? await Task.sleep(for: .milliseconds(50))
            }
        } onCancel: {
            let channel = state.withLock { state in
                state.isStopped = true
                return state.channel
            }
            channel?.close(promise: nil)
        }
    }

    /// Lets a server wait for this client's answers, or goes on to answer.
    package func set(_ manner: Manner) {
        let waiting = state.withLock { state in
            state.manner = manner
            guard case .acknowledging = manner else { return [(stream: GRPCStream, request: DiscoveryRequest)]() }
            defer { state.unanswered = [] }
            return state.unanswered
        }
        eventLoop.execute { for (stream, request) in waiting { stream.send(request.bytes) } }
    }

    // MARK: What it has

    package var objects: [String: Resource] { state.withLock { $0.store.resources } }
    package var versions: [String: String] { state.withLock { $0.store.versions } }
    package var received: [Received] { state.withLock { $0.received } }
    package var connections: Int { state.withLock { $0.connections } }

    /// The types that wait for their first answer on this stream.
    package var unansweredTypes: [String] {
        state.withLock { state in Self.types.filter { !state.answered.contains($0) } }
    }

    /// Whether a real istiod would be ready: every type but its own mesh configuration has an answer.
    package var isReady: Bool { unansweredTypes.allSatisfy { $0 == "core/v1alpha1/MeshConfig" } }

    /// The endpoints of a service, as `ADDRESS:PORT`, sorted; `nil` where istiod does not have it.
    package func endpoints(_ name: String) -> [String]? {
        guard case .serviceEntry(let entry)? = objects[name] else { return nil }
        return entry.endpoints.map { "\($0.address):\($0.ports.values.first.map { Int($0) } ?? 0)" }.sorted()
    }
}

extension IstiodDouble {
    private func connectOnce() async {
        let ended = eventLoop.makePromise(of: Void.self)
        let connected = eventLoop.flatSubmit { [self] in
            GRPCConnection.connect(
                host: "127.0.0.1", port: port, tls: tls.map { ($0, nil) }, on: eventLoop
            ).map { connection in
                let isStopped = self.state.withLock { state in
                    state.channel = connection.channel
                    state.connections += 1
                    state.answered = []
                    state.unanswered = []
                    return state.isStopped
                }
                connection.channel.closeFuture.whenComplete { _ in ended.succeed() }
                if isStopped { return connection.channel.close(promise: nil) }
                self.open(connection)
            }
        }
        do { try await connected.get() } catch { ended.succeed() }
        try? await ended.futureResult.get()
    }

    /// The first request carries the node; the nonces are of its own making.
    private func open(_ connection: GRPCConnection) {
        let box = NIOLoopBoundBox<GRPCStream?>(nil, eventLoop: eventLoop)
        let stream = connection.open(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
        ) { message in
            if let stream = box.value { self.received(message, stream) }
        } onEnd: { _ in
            connection.channel.close(promise: nil)
        }
        box.value = stream
        for (index, type) in Self.types.enumerated() {
            let request = DiscoveryRequest(
                node: index == 0 ? node : nil, typeURL: type, nonce: "2026-11-30 22:02:52 +0000 UTC m=+0.\(index)")
            stream.send(request.bytes)
        }
    }

    private func received(_ message: ByteBuffer, _ stream: GRPCStream) {
        guard let response = try? DiscoveryResponse(bytes: Array(message.readableBytesView)[...]) else { return }
        var answer = DiscoveryRequest(
            version: response.version, node: node, typeURL: response.typeURL, nonce: response.nonce)
        let isAnswered = state.withLock { state in
            let names =
                if case .refusing = state.manner { [String]() } else { state.store.take(response) }
            state.received.append(
                Received(
                    type: response.typeURL, version: response.version, nonce: response.nonce, names: names,
                    bytes: message.readableBytes))
            state.answered.insert(response.typeURL)
            switch state.manner {
            case .acknowledging: return true
            case .silent:
                state.unanswered.append((stream, answer))
                return false
            case .refusing(let reason):
                answer.refusal = .init(code: 3, message: reason)
                return true
            }
        }
        if isAnswered { stream.send(answer.bytes) }
    }
}
