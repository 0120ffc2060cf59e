internal import Declarations
internal import Logging
internal import NIOCore
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

/// Reads the znodes of declared layouts, and follows them by one persistent recursive watch on each tree.
///
/// An event names a znode and not its content. So each event is followed by a read, one after the other, and what is
/// read then is at least as new as the event.
final class LayoutReader: RegistryReader {
    /// More levels than these are not read.
    static let depthLimit = 32
    /// The reads that are under way at once in a full read.
    static let walkWidth = 64

    let client: ZooKeeperClient
    /// The znodes at the top of what is read.
    let trees: [String]
    let feed: DeclaredFeed
    private let logger: Logger
    /// The connection on which the watches stand, counted from 1.
    private let connection = Mutex((current: 0, watched: 0))
    /// The number of full reads that have begun.
    let fullReads = Atomic(0)

    init(client: ZooKeeperClient, trees: [String], feed: DeclaredFeed, logger: Logger) {
        self.client = client
        self.trees = trees
        self.feed = feed
        self.logger = logger
    }

    let readLimit = 16

    var notes: [RegistryNote] { feed.notes }

    /// The znode at the top of the keys that begin with a text.
    static func tree(of beginning: String) -> String {
        beginning.count > 1 && beginning.hasSuffix("/") ? String(beginning.dropLast()) : beginning
    }

    // MARK: Changes

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.client.run() }
            group.addTask { await self.feed.run(report: report) }
            for await event in await client.events(where: { [trees, feed] event in
                trees.contains(event.path) || feed.concerns(event.path)
            }) {
                await take(event)
            }
            group.cancelAll()
        }
    }

    private func take(_ event: ZooKeeperEvent) async {
        switch event {
        case .connected(let session):
            connection.withLock { $0.current += 1 }
            feed.report(
                .connected(details: [
                    "server": "\(session.server)", "session": "0x\(String(session.id, radix: 16))",
                    "resumed": "\(session.isResumed)",
                ]))
        case .disconnected(let reason): feed.report(.disconnected(reason: reason))
        case .expired:
            logger.warning("registry session expired", metadata: ["effect": "a new session and a full read"])
        case .overflowed: feed.report(.changesLost(reason: "events came faster than they could be taken"))
        case .changed(let event): await take(event)
        }
    }

    private func take(_ event: WatchEvent) async {
        if trees.contains(event.path), event.kind == .created {
            feed.report(.outdated(reason: "\(event.path) was made"))
        }
        switch event.kind {
        case .deleted: feed.apply([.remove(key: event.path)], position: event.sequence)
        case .created, .dataChanged:
            guard feed.concerns(event.path) else { return }
            do throws(ZooKeeperError) {
                feed.apply([try await content(of: event.path).update], position: event.sequence)
            } catch {
                // The next connection begins with a full read.
                if error.cause == .disconnected { return }
                feed.report(.changesLost(reason: "\(event.path) can't be read: \(error)"))
            }
        default: break
        }
    }

    // MARK: Watches

    func watchTrees() async throws(ZooKeeperError) {
        let (current, watched) = connection.withLock { ($0.current, $0.watched) }
        if current == watched { return }
        for tree in trees { try await client.addWatch(tree, mode: .persistentRecursive) }
        connection.withLock { $0.watched = current }
    }
}

extension LayoutReader {
    /// A znode, as far as it can be read.
    struct Znode: Sendable {
        var update: DeclaredFeed.Update
        var hasChildren: Bool
    }

    func content(of path: String) async throws(ZooKeeperError) -> Znode {
        do throws(ZooKeeperError) {
            let data = try await client.data(of: path)
            let entry = DeclaredEntry(
                key: path, value: Array(data.data.readableBytesView), isEphemeral: data.stat.ephemeralOwner != 0)
            return Znode(update: .put(entry), hasChildren: data.stat.childCount > 0)
        } catch  where error.code == .noNode {
            return Znode(update: .remove(key: path), hasChildren: false)
        } catch  where error.code == .noAuth || error.code == .replyTooLarge {
            return Znode(update: .unreadable(key: path, reason: "\(error)"), hasChildren: true)
        }
    }
}
