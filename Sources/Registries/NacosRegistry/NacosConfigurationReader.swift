internal import Concurrency
internal import Nacos
internal import Settings
internal import Sources
internal import Synchronization

/// Reads the documents of one group of a Nacos. A document is called `<group>/<dataId>`.
///
/// Listening tells when a content changes, on every version. Which data ids there are, a fuzzy watch tells on a server of
/// 3.0 or later. Elsewhere, and where the watch does not hold all, the group is listed now and then. Data ids that the
/// settings name in full need neither.
final class NacosConfigurationReader: ConfigurationReader {
    private struct State {
        /// The number of the connection that stands; `nil` while none does.
        var connection: UInt64?
        /// Whether the server can tell which data ids there are.
        var watchesNames = false
        /// What the fuzzy watch told on this connection, where it told all.
        var watched: Set<ConfigKey>?
        /// What was listed last, where lists say which data ids there are.
        var listed: Set<ConfigKey>?
        var listening: Set<ConfigKey> = []
    }

    static let standardListInterval = Duration.seconds(15)
    /// A server that can watch names has told them after this time.
    private static let watchTime = Duration.seconds(5)

    private let client: any ConfigurationClient
    private let group: String
    private let dataIDs: NameFilter
    private let listInterval: Duration
    private let stopwatch: Stopwatch
    private let state = Mutex(State())
    /// Signals that the fuzzy watch has told which configurations there are.
    private let watched = EventCount()

    init(
        client: any ConfigurationClient, group: String, dataIDs: NameFilter,
        listInterval: Duration = standardListInterval, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.client = client
        self.group = group
        self.dataIDs = dataIDs
        self.listInterval = listInterval
        stopwatch = Stopwatch(clock)
    }

    private var hasPatterns: Bool { dataIDs.names.count < dataIDs.included.count }

    func run(report: @escaping @Sendable (ConfigurationChange) -> Void) async {
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { await self.client.run() }
            if hasPatterns {
                tasks.addTask { await self.listNowAndThen(report) }
                await client.watchNames(group: group)
            }
            await client.eachEvent { self.take($0, report) }
            tasks.cancelAll()
        }
    }

    private func take(_ event: NacosEvent, _ report: @Sendable (ConfigurationChange) -> Void) {
        switch event {
        case .connected(let connection):
            state.withLock { state in
                state = State(
                    connection: connection.generation, watchesNames: connection.supportsFuzzyWatch && hasPatterns,
                    listening: state.listening)
            }
            report(.connected)
        case .disconnected(let reason):
            state.withLock { $0.connection = nil }
            report(.disconnected(reason: reason))
        case .configChanged(let key):
            if includes(key) { report(.changed(name: "\(key)")) }
        case .configs(let keys, let isComplete):
            let isNews = state.withLock { state in
                let wanted = isComplete ? keys.filter(includes) : nil
                defer { state.watched = wanted }
                state.watchesNames = isComplete
                return state.watched != wanted
            }
            watched.signal()
            if isNews { report(.outdated) }
        case .configAdded(let key):
            if !includes(key) { return }
            state.withLock { _ = $0.watched?.insert(key) }
            report(.changed(name: "\(key)"))
        case .configRemoved(let key):
            if !includes(key) { return }
            state.withLock { _ = $0.watched?.remove(key) }
            report(.changed(name: "\(key)"))
        case .service, .resubscribed, .services, .serviceAdded, .serviceRemoved: break
        }
    }

    private func includes(_ key: ConfigKey) -> Bool { key.group == group && dataIDs.includes(key.dataID) }

    // MARK: Which there are

    func list() async throws(ReadFailure) -> Set<String> {
        let keys = try await keys()
        let unlistened = state.withLock { state in
            defer { state.listening.formIntersection(keys) }
            return state.listening.subtracting(keys)
        }
        for key in unlistened { await client.stopListening(key) }
        return Set(keys.map { "\($0)" })
    }

    private func keys() async throws(ReadFailure) -> Set<ConfigKey> {
        guard hasPatterns else { return Set(dataIDs.names.map { ConfigKey(group: group, dataID: $0) }) }
        let ticket = watched.ticket
        if state.withLock({ $0.watchesNames && $0.watched == nil }) {
            _ = await stopwatch.run(within: Self.watchTime) { [watched] in await watched.wait(after: ticket) }
        }
        if let watched = state.withLock({ $0.watched }) { return watched }
        do throws(NacosError) {
            let keys = try await client.configs(group: group).filter(includes)
            state.withLock { $0.listed = keys }
            return keys
        } catch {
            throw failure(error, "the data ids of group '\(group)' can't be listed; name them in full, without '*'")
        }
    }

    private func listNowAndThen(_ report: @Sendable (ConfigurationChange) -> Void) async {
        while true {
            do { try await stopwatch.sleep(for: listInterval) } catch { return }
            guard let known = state.withLock({ $0.connection == nil || $0.watched != nil ? nil : $0.listed }),
                let keys = try? await client.configs(group: group)
            else { continue }
            if keys.filter(includes) != known { report(.outdated) }
        }
    }

    // MARK: What is in one

    func read(_ name: String) async throws(ReadFailure) -> String? {
        guard name.hasPrefix(group + "/") else { return nil }
        let key = ConfigKey(group: group, dataID: String(name.dropFirst(group.count + 1)))
        do throws(NacosError) {
            let content = try await client.config(key)
            state.withLock { _ = $0.listening.insert(key) }
            await client.listen(key, md5: content?.md5 ?? "")
            return content?.content
        } catch {
            throw failure(error, "configuration \(key)")
        }
    }

    private func failure(_ error: NacosError, _ what: String) -> ReadFailure {
        let stands = state.withLock { $0.connection != nil }
        // A list may take another connection than the one that the follower is told of.
        let cause = error.cause == .disconnected && stands ? .passing : error.cause
        return ReadFailure(cause, reason: "\(what): \(error)")
    }
}
