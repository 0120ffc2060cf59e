internal import Addressing
internal import Concurrency
package import Deliveries
internal import FoundationEssentials
internal import GRPC
package import IstioAPI
internal import IstioProtobuf
internal import Logging
internal import NIOPosix
internal import NIOSSL
package import Planning
internal import Text

/// Serves istiod as a config source (MCP-over-xDS): each istiod has a stream, and gets the complete set of each kind.
///
/// What an answer does not have, istiod deletes. So nothing of our kinds is answered before every registry has been
/// read completely, or, while one can't be read, before the state of an earlier run is there.
package struct XDSDelivery: StatefulDelivery {
    /// How long a start with the state of an earlier run waits for the registries. What they say is newer.
    static let statePatience = Duration.seconds(10)

    package let name: String
    package let ownership: Ownership
    let settings: XDSSettings
    let hub = DiscoveryHub()
    let workers: DeliveryWorkers
    let stopwatch = Stopwatch(ContinuousClock())
    private let certificates: ServerCertificates?
    private let file: StateFile
    private let condition = ServingCondition()

    init(_ settings: XDSSettings, certificates: ServerCertificates?, ownership: Ownership, logger: Logger) {
        self.settings = settings
        self.certificates = certificates
        self.ownership = ownership
        name = settings.name
        file = StateFile(path: settings.state)
        var logger = logger
        logger[metadataKey: "delivery"] = "\(settings.name)"
        workers = DeliveryWorkers(
            name: settings.name, pacing: Pacing(concurrency: 1...1, pause: settings.pause), logger: logger)
    }

    package func changed(_ keys: [ResourceKey]) { workers.add(keys) }

    package func report(limit: Int) -> DeliveryReport {
        var report = workers.report(limit: limit)
        report.condition = condition.current(now: stopwatch.elapsed) ?? report.condition
        let (versions, now) = (hub.versions, stopwatch.elapsed)
        let streams = hub.statuses
        report.clients = streams.prefix(Self.namedStreams).map { $0.line(newest: versions, now: now) }
        let others = streams.count - Self.namedStreams
        if others > 0 { report.clients.append("and \(others) more") }
        if streams.isEmpty { report.clients = ["no istiod is connected"] }
        return report
    }

    private static let namedStreams = 20
}

// MARK: - Running

extension XDSDelivery {
    package func run(desired: any DesiredState) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await serve() }
            if let certificates { group.addTask { await certificates.follow(logger: workers.logger) } }
            group.addTask { await tellStreams() }
            group.addTask { await keepState() }
            let hasState = await restore(desired)
            await open(desired, hasState: hasState)
            await withTaskCancellationHandler {
                await workers.run(desired: desired) { key, wanted in attempt(key, wanted) }
            } onCancel: {
                workers.queue.finish()
            }
        }
    }

    /// Takes over what istiod was given by an earlier run.
    /// - Returns: Whether there was anything.
    private func restore(_ desired: any DesiredState) async -> Bool {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        var objects: [MCPResource] = []
        while !Task.isCancelled {
            do {
                switch try await file.read() {
                case .objects(let read):
                    objects = read
                    workers.logger.info("state read", metadata: ["file": "\(file.path)", "count": "\(read.count)"])
                case .none:
                    workers.logger.info("state missing: none was written yet", metadata: ["file": "\(file.path)"])
                case .setAside(let reason):
                    workers.logger.error(
                        "state set aside: its file can't be used",
                        metadata: ["file": "\(file.path)", "reason": "\(reason)"])
                }
                break
            } catch {
                let delay = backoff.next()
                condition.note(.state, "\(file.path) can't be read: \(error)", now: stopwatch.elapsed)
                workers.logger.error(
                    "state unreadable",
                    metadata: ["file": "\(file.path)", "reason": "\(error)", "retryIn": "\(delay.readable)"])
                try? await Task.sleep(for: delay)
            }
        }
        condition.note(.state, nil, now: stopwatch.elapsed)
        let own = objects.filter { ownership.covers(ActualObject($0.resource)) }
        hub.change { sets in for object in own { sets.restore(object) } }
        await desired.seed(own.map { ActualObject($0.resource) }, from: name)
        return !own.isEmpty
    }

    /// Waits until something can be said, and makes the first sets.
    private func open(_ desired: any DesiredState, hasState: Bool) async {
        condition.note(
            .waiting, "no set is sent yet: not every registry has been read completely", now: stopwatch.elapsed)
        let patience = hasState ? Self.statePatience : settings.initialSync
        if let patience {
            let isSettled = await stopwatch.run(within: patience) { await desired.settled() } != nil
            if !isSettled, !Task.isCancelled {
                workers.logger.warning(
                    hasState
                        ? "istiod is served from the state of an earlier run: a registry can't be read"
                        : "istiod gets what is known: 'initialSync' is over, and a registry can't be read",
                    metadata: ["waited": "\(patience.readable)", "count": "\(hub.count)"])
            }
        } else {
            await desired.settled()
        }
        // No worker runs yet. Changes wait in the queue, and are looked at afterwards.
        for key in Set(await desired.everyKey()).union(hub.keys) {
            if Task.isCancelled { return }
            _ = attempt(key, await desired.wanted(key))
        }
        // At a stop the wait ends early. What is known then is not the whole.
        if Task.isCancelled { return }
        hub.open()
        condition.note(.waiting, nil, now: stopwatch.elapsed)
        workers.logger.info("sets complete: istiod is answered from now on", metadata: ["count": "\(hub.count)"])
    }

    /// Tells the streams of changes. What comes together is told together.
    private func tellStreams() async {
        var told: UInt64 = 0
        while !Task.isCancelled {
            await hub.news.wait(after: told)
            if workers.queue.waiting > 0 { try? await Task.sleep(for: .milliseconds(5)) }
            told = hub.news.ticket
            hub.tell()
        }
    }

    /// Writes what istiod is given to the file; writing takes at most a twentieth of the time.
    private func keepState() async {
        var told: UInt64 = 0
        var written: UInt64 = 0
        var reported: String?
        while true {
            await hub.news.wait(after: told)
            told = hub.news.ticket
            let changes = hub.changes
            if hub.isOpen, changes != written {
                let start = stopwatch.elapsed
                do {
                    try await file.write(ResourceKind.served.map { hub.encoded($0).body })
                    written = changes
                    reported = nil
                    condition.note(.state, nil, now: stopwatch.elapsed)
                } catch {
                    let reason = "the state can't be written to \(file.path): \(error)"
                    condition.note(.state, reason, now: stopwatch.elapsed)
                    if reported != reason {
                        workers.logger.error(
                            "state not written: the last one stays",
                            metadata: ["file": "\(file.path)", "reason": "\(error)"])
                    }
                    reported = reason
                    // It is tried again, also when nothing changes.
                    told = .max
                }
                if Task.isCancelled { return }
                let took = stopwatch.elapsed - start
                try? await Task.sleep(for: max(took * 20, .seconds(1)))
            } else if Task.isCancelled {
                return
            }
        }
    }

    private func serve() async {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        let tls: (@Sendable () -> NIOSSLContext)? =
            if let certificates { { certificates.context } } else { nil }
        while !Task.isCancelled {
            do {
                let server = try await GRPCServer.listen(
                    host: settings.listen.host, port: settings.listen.port, tls: tls,
                    on: MultiThreadedEventLoopGroup.singleton
                ) { call in
                    guard call.path == DiscoveryCall.path else { return nil }
                    return DiscoveryCall(
                        call, hub: hub, revisions: settings.revisions, clock: { stopwatch.elapsed },
                        logger: workers.logger, acknowledged: { workers.queue.echoed() }
                    ).observer()
                }
                condition.note(.listening, nil, now: stopwatch.elapsed)
                workers.logger.info(
                    "xds server listens",
                    metadata: ["listen": "\(settings.listen)", "tls": "\(certificates != nil)"])
                let forever = EventCount()
                await forever.wait(after: forever.ticket)
                await server.stop()
            } catch {
                let delay = backoff.next()
                condition.note(.listening, "\(settings.listen) can't be listened on: \(error)", now: stopwatch.elapsed)
                workers.logger.error(
                    "xds server does not listen",
                    metadata: [
                        "listen": "\(settings.listen)", "reason": "\(error)", "retryIn": "\(delay.readable)",
                    ])
                try? await Task.sleep(for: delay)
            }
        }
    }
}
