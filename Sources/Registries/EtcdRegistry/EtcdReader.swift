internal import Declarations
internal import Etcd
internal import Services
internal import Sources
internal import Synchronization

/// Reads the keys of declared layouts, and follows them by watches.
///
/// A position is a revision of etcd's. A full read shows all prefixes at one revision, and the watches begin after it,
/// so that nothing is missed or told twice.
final class EtcdReader: RegistryReader {
    private struct State {
        /// Full reads are counted, since each has watches of its own.
        var generation = 0
        var watches: [EtcdWatch] = []
    }

    private let client: EtcdClient
    private let beginnings: [String]
    private let feed: DeclaredFeed
    private let state = Mutex(State())

    init(client: EtcdClient, beginnings: [String], feed: DeclaredFeed) {
        self.client = client
        self.beginnings = beginnings
        self.feed = feed
    }

    let readLimit = 16

    var notes: [RegistryNote] { feed.notes }

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [client, feed] in
                await client.run { event in
                    switch event {
                    case .connected(let server): feed.report(.connected(details: ["server": server]))
                    case .disconnected(let reason): feed.report(.disconnected(reason: reason))
                    }
                }
            }
            await feed.run(report: report)
            group.cancelAll()
        }
    }

    func list() async throws(ReadFailure) -> Listing {
        let generation = state.withLock { state in
            state.generation += 1
            for watch in state.watches { watch.cancel() }
            state.watches = []
            return state.generation
        }
        var view = feed.renewedView()
        var revision: Int64 = 0
        for beginning in beginnings {
            revision = try await request("reading '\(beginning)'") { () throws(EtcdError) in
                try await client.read(EtcdKeyRange(prefix: beginning), at: revision) { view.put($0.entry) }
            }
        }
        // A read that was given up must not replace what a later one has read.
        guard state.withLock({ $0.generation == generation }) else {
            throw ReadFailure(.disconnected, reason: "another full read has begun")
        }
        let position = Position(revision)
        let readings = feed.readCompletely(view, position: position)
        for beginning in beginnings {
            let watch = try await request("watching '\(beginning)'") { () throws(EtcdError) in
                try await client.watch(EtcdKeyRange(prefix: beginning), from: revision + 1) { [weak self] outcome in
                    self?.told(outcome, of: beginning, generation)
                }
            }
            state.withLock { state in
                if state.generation == generation { state.watches.append(watch) } else { watch.cancel() }
            }
        }
        return Listing(readings: readings, position: position)
    }

    private func told(_ outcome: EtcdWatchOutcome, of beginning: String, _ generation: Int) {
        guard state.withLock({ $0.generation == generation }) else { return }
        switch outcome {
        case .created: break
        case .changed(let events):
            for event in events { feed.apply([event.update], position: Position(event.entry.revision)) }
        case .ended(let error):
            // The end of the connection is told by the client.
            if error.code == .disconnected { return }
            feed.report(.changesLost(reason: "the watch on '\(beginning)' ended: \(error.message)"))
        }
    }

    /// Reads the folders in which keys of the name stand.
    func read(_ name: String) async throws(ReadFailure) -> Reading {
        // No event of a name without a folder is older than this.
        let before = feed.position
        let folders = feed.folders(of: name)
        var view = feed.emptiedView()
        var revision: Int64 = 0
        for folder in folders {
            revision = try await request("reading '\(folder)'") { () throws(EtcdError) in
                try await client.read(EtcdKeyRange(prefix: folder), at: revision) { entry in
                    view.put(entry.entry)
                }
            }
        }
        return view.reading(of: name, position: folders.isEmpty ? before : Position(revision))
    }

    private func request<Value>(
        _ what: String, _ body: () async throws(EtcdError) -> Value
    ) async throws(ReadFailure) -> Value {
        do throws(EtcdError) {
            return try await body()
        } catch {
            throw ReadFailure(error.cause, reason: "\(what): \(error)")
        }
    }
}

extension EtcdKeyValue {
    /// No layout has a key that is empty, and none one that is no text.
    fileprivate var text: String { String(validating: key, as: UTF8.self) ?? "" }

    var entry: DeclaredEntry {
        DeclaredEntry(key: text, value: value, isEphemeral: lease != 0)
    }
}

extension EtcdEvent {
    fileprivate var update: DeclaredFeed.Update {
        isDeletion ? .remove(key: entry.text) : .put(entry.entry)
    }
}

extension EtcdError {
    var cause: ReadFailure.Cause {
        switch code {
        case .disconnected, .cancelled: .disconnected
        case .overloaded: .overloaded
        case .replyTooLarge: .lasting
        case .permissionDenied, .userNeeded, .authenticationFailed: .refused
        case .timedOut, .compacted, .futureRevision, .invalidToken, .unavailable, .failed, .malformedReply,
            .configuration:
            .passing
        }
    }
}
