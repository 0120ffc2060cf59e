internal import Deliveries
internal import GRPC
internal import IstioAPI
internal import IstioProtobuf
internal import Logging
internal import NIOCore
internal import Protobuf
internal import Text

/// Owns the stream of one istiod: it performs what `DiscoveryStream` says. It stays on the event loop of its call.
final class DiscoveryCall {
    static let path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

    private let call: GRPCServerCall
    private let hub: DiscoveryHub
    private let logger: Logger
    private let acknowledged: @Sendable () -> Void
    private let clock: @Sendable () -> Duration
    private var machine: DiscoveryStream
    private var status: DiscoveryStreamStatus
    private var id: Int?
    private var timer: Scheduled<Void>?

    /// - Parameter acknowledged: Called when istiod's store has taken a set.
    init(
        _ call: GRPCServerCall, hub: DiscoveryHub, revisions: Set<String>?, clock: @escaping @Sendable () -> Duration,
        logger: Logger, acknowledged: @escaping @Sendable () -> Void
    ) {
        self.call = call
        self.hub = hub
        self.clock = clock
        self.acknowledged = acknowledged
        machine = DiscoveryStream(revisions: revisions)
        status = DiscoveryStreamStatus(peer: call.peer)
        var logger = logger
        logger[metadataKey: "peer"] = "\(call.peer)"
        self.logger = logger
    }

    func observer() -> GRPCServerCall.Observer {
        let bound = NIOLoopBound(self, eventLoop: call.eventLoop)
        let eventLoop = call.eventLoop
        id = hub.add(status) { eventLoop.execute { bound.value.changed() } }
        if id == nil {
            eventLoop.execute {
                bound.value.call.end(GRPCStatus(.resourceExhausted, "there are \(DiscoveryHub.streamLimit) streams"))
            }
        }
        return GRPCServerCall.Observer(onMessage: { self.received($0) }, onEnd: { self.ended() })
    }

    private func received(_ message: ByteBuffer) {
        let request: DiscoveryRequest
        do {
            request = try DiscoveryRequest(bytes: Array(message.readableBytesView)[...])
        } catch {
            call.end(GRPCStatus(.invalidArgument, "the request is no DiscoveryRequest: \(error)"))
            return
        }
        let isFirst = machine.node == nil && request.node != nil
        perform(machine.received(request, newest: hub.versions, now: clock()))
        if isFirst {
            note()
            logger.info("istiod connected", metadata: ["node": "\(status.name)", "revision": "\(status.revision)"])
            if !machine.isSelected {
                logger.warning(
                    "istiod gets nothing: its revision is not among the configured ones",
                    metadata: ["revision": "\(status.revision)"])
            }
        }
    }

    private func changed() { perform(machine.changed(newest: hub.versions, now: clock())) }

    private func perform(_ actions: [DiscoveryStream.Action]) {
        for action in actions {
            switch action {
            case .send(let kind, let typeURL): send(hub.encoded(kind), of: kind, typeURL)
            case .sendEmpty(let typeURL, let version, let nonce):
                let response = DiscoveryResponse(version: version, typeURL: typeURL, nonce: nonce)
                call.send([ByteBuffer(bytes: response.bytes)])
            case .acknowledged(let acknowledgement):
                logger.debug(
                    "set acknowledged",
                    metadata: [
                        "type": "\(acknowledgement.typeURL)", "version": "\(acknowledgement.version)",
                        "after": "\(acknowledgement.latency.readable)",
                    ])
                acknowledged()
            case .refused(let typeURL, let version, let reason):
                logger.error(
                    "istiod refuses a set",
                    metadata: ["type": "\(typeURL)", "version": "\(version)", "reason": "\(reason)"])
            case .end(let reason): call.end(GRPCStatus(.resourceExhausted, reason))
            case .wake(let time): wake(at: time)
            }
        }
        if !actions.isEmpty { note() }
    }

    private func send(_ set: ResourceSets.Encoded, of kind: ResourceKind, _ typeURL: String) {
        let nonce = machine.sent(typeURL: typeURL, version: set.version, now: clock())
        let head = ByteBuffer(bytes: DiscoveryResponse.head(version: set.version))
        let tail = ByteBuffer(bytes: DiscoveryResponse.tail(typeURL: typeURL, nonce: nonce))
        call.send([head, set.body, tail])
        if kind == .serviceEntry { status.services = set.count }
        logger.debug(
            "set sent",
            metadata: [
                "type": "\(typeURL)", "version": "\(set.version)", "count": "\(set.count)",
                "bytes": "\(set.body.readableBytes)",
            ])
    }

    private func wake(at time: Duration) {
        timer?.cancel()
        let bound = NIOLoopBound(self, eventLoop: call.eventLoop)
        let delay = TimeAmount.nanoseconds(Int64(max(time - clock(), .zero) / .nanoseconds(1)))
        timer = call.eventLoop.scheduleTask(in: delay) { bound.value.changed() }
    }

    private func note() {
        status.node = machine.node?.id ?? ""
        status.revision = machine.revision ?? ""
        status.isSelected = machine.isSelected
        status.subscriptions = machine.subscriptions
        if let id { hub.note(status, of: id) }
    }

    private func ended() {
        timer?.cancel()
        if let id { hub.remove(id) }
        logger.info("istiod disconnected", metadata: ["node": "\(status.name)"])
    }
}
