internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import ZooKeeper

/// Keeps up with the registry over one session after another: a full read after every connection, then only what an
/// event concerns.
struct RegistryFollower {
    enum Watching {
        /// One persistent recursive watch on the root (3.6 and later). Its events say all there is to say, since a provider's
        /// whole description is its znode's name: nothing has to be read again.
        case tree
        /// A watch on every list of children, which fires once; the list is then read again.
        case lists
    }

    enum Input: Sendable {
        case event(ZooKeeperEvent)
        case request(ReadRequests.Request)
    }

    let client: ZooKeeperClient
    let layout: DubboLayout
    let decoder: ProviderDecoder
    var watching: Watching
    let logger: Logger
    let emit: @Sendable (SourceEvent) async -> Void
    /// Takes the interfaces that are to be read again after a while.
    let retries: AsyncStream<Set<String>>.Continuation
    /// Takes those that are to be read again after a longer one.
    let refusals: AsyncStream<Set<String>>.Continuation
    var isConnected = false
    var order = ReadOrder()
    /// The directories of interfaces that are not named as one would expect, so that one name may have several.
    var respelled: [String: Set<String>] = [:]
    /// Interfaces whose lists could not be read, for a reason that may pass.
    var failing: Set<String> = []
    /// Interfaces whose lists may not be read. No event tells when that changes.
    var refused: Set<String> = []
    /// The directories whose lists could not be read, for whatever reason.
    var unlisted: Set<String> = []
    /// Interfaces all of whose providers can't be used.
    var unusable: Set<String> = []
    /// The directories whose lists are watched; kept only while `watching` is `lists`.
    var watchedDirectories: Set<String> = []

    mutating func handle(_ input: Input) async {
        switch input {
        case .event(let event): await handle(event)
        case .request(let request): await handle(request)
        }
    }

    private mutating func handle(_ event: ZooKeeperEvent) async {
        switch event {
        case .connected(let session):
            logger.info(
                "connected to ZooKeeper",
                metadata: [
                    "server": "\(session.server)", "session": "0x\(String(session.id, radix: 16))",
                    "resumed": "\(session.isResumed)", "sessionTimeout": "\(session.timeout)",
                ])
            isConnected = true
            await readUntilComplete(isNewConnection: true)
        case .overflowed:
            logger.notice("events came faster than they could be taken; reading everything again")
            await readUntilComplete(isNewConnection: false)
        case .disconnected(let reason):
            logger.warning(
                "not connected to ZooKeeper; nothing is removed meanwhile", metadata: ["reason": "\(reason)"])
            isConnected = false
            await emit(.interrupted(reason: reason))
        case .expired:
            logger.warning("the ZooKeeper session has expired; a new one follows, and with it a full read")
        case .changed(let event):
            await changed(event)
        }
    }

    /// Without a connection there is nothing to do: the next one begins with a full read.
    private mutating func handle(_ request: ReadRequests.Request) async {
        guard isConnected else { return }
        switch request {
        case .names(let names):
            await rereading { (self) throws(ZooKeeperError) in try await self.reread(names: names) }
        case .everything:
            await readUntilComplete(isNewConnection: false)
        }
    }

    /// Reads everything, again and again with growing pauses while the server answers with errors; gives up when the
    /// connection is lost, since the next one begins anew.
    private mutating func readUntilComplete(isNewConnection: Bool) async {
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            do {
                try await readAll(isNewConnection: isNewConnection)
                return
            } catch {
                if error.isFeatureMissing, watching == .tree {
                    logger.notice("the server has no persistent watches; watching each list of providers instead")
                    watching = .lists
                    continue
                }
                let reason = error.code == .noNode ? Self.explanation(ofMissing: layout.root) : error.description
                await emit(.interrupted(reason: reason))
                if error.isEndOfConnection { return }
                logger.error("the registry can't be read; what was known goes on", metadata: ["reason": "\(reason)"])
                // The watch on the root, which is set by now, tells when it is made.
                if error.code == .noNode { return }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(30))
            }
        }
    }

    private static func explanation(ofMissing root: String) -> String {
        "there is no znode \(root); a missing root is never taken for an empty registry. Check the root's name; "
            + "reading starts by itself when it is made"
    }

    private mutating func changed(_ event: WatchEvent) async {
        switch (layout.place(of: event.path), watching) {
        case (.root, .tree):
            if event.kind == .created { await readUntilComplete(isNewConnection: false) }
            if event.kind == .deleted { await emit(.interrupted(reason: Self.explanation(ofMissing: layout.root))) }
        case (.provider(let directory, let node), .tree):
            if order.isOld(event.sequence, in: directory) { return }
            await providerChanged(event.kind, directory: directory, node: node)
        case (.root, .lists):
            // What was never read completely, or was gone meanwhile, is read as a whole.
            if event.kind == .created { return await readUntilComplete(isNewConnection: false) }
            await rereading { (self) throws(ZooKeeperError) in try await self.readNewDirectories() }
        case (.providers(let directory), .lists):
            await rereading { (self) throws(ZooKeeperError) in try await self.reread(directory) }
        case (.directory, _), (.providers, .tree), (.provider, .lists), (.other, _):
            break
        }
    }

    private mutating func providerChanged(_ kind: WatchEvent.Kind, directory: String, node: String) async {
        guard let interface = ProviderDecoder.interface(directory: directory) else { return }
        noteSpelling(of: directory)
        // A list that was too long may have become short enough. One of which nothing could be used has something now, or is empty.
        if unusable.contains(interface) || kind == .deleted && unlisted.contains(directory) {
            failing.insert(interface)
            readFailingLater()
        }
        switch (decoder.decode(node: node, interface: interface), kind) {
        case (.instance(let id, let instance), .created):
            await emit(.added(id, InstanceKey(node), instance))
        case (.instance(let id, _), .deleted):
            await emit(.removed(id, InstanceKey(node)))
        case (.unusable(let reason), .created):
            warn(interface, unusable: [(node, reason)])
        default:
            break
        }
    }

    func warn(_ interface: String, unusable: [(node: String, reason: String)]) {
        guard let first = unusable.first else { return }
        logger.warning(
            "providers that can't be carried into the mesh were left out",
            metadata: [
                "interface": "\(interface)", "count": "\(unusable.count)", "reason": "\(first.reason)",
                "provider": "\(ProviderDecoder.withoutSecrets(node: first.node))",
            ])
    }

    /// A failed read of one list is mended by a read of everything.
    private mutating func rereading(
        _ body: (inout RegistryFollower) async throws(ZooKeeperError) -> Void
    ) async {
        do {
            try await body(&self)
        } catch {
            if !error.isEndOfConnection { await readUntilComplete(isNewConnection: false) }
        }
    }
}

extension ZooKeeperError {
    /// Whether to give up the read: the next connection starts over by itself, or nobody waits for the read.
    var isEndOfConnection: Bool {
        [.connectionLoss, .closed, .cancelled, .sessionExpired, .sessionMoved].contains(code)
    }

    /// Whether the same request may succeed though nobody changes anything.
    var mayPass: Bool { code != .noAuth && code != .replyTooLarge }

    /// How servers before 3.6, and those with another watch manager, answer `addWatch`.
    fileprivate var isFeatureMissing: Bool { code == .unimplemented || code == .marshallingError }
}
