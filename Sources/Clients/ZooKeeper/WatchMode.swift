/// The znodes that a persistent watch covers (`AddWatchMode`, ZooKeeper 3.6 and later).
///
/// Later versions may add modes.
public struct WatchMode: Sendable, Hashable {
    package let rawValue: Int32

    /// The znode and its list of children: `created`, `deleted`, `dataChanged` and `childrenChanged` of its path.
    public static let persistent = WatchMode(known: 0)
    /// The znode and all its descendants, present and future: `created`, `deleted` and `dataChanged` of each path. Such
    /// a watch never reports `childrenChanged`.
    public static let persistentRecursive = WatchMode(known: 1)

    private init(known rawValue: Int32) {
        self.rawValue = rawValue
    }

    package init?(rawValue: Int32) {
        guard (0...1).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// The watches that `removeWatches` removes (`Watcher.WatcherType`, ZooKeeper 3.5 and later).
///
/// Later versions may add kinds.
public struct WatchKind: Sendable, Hashable {
    package let rawValue: Int32

    /// The watches that `children(of:watch:)` sets.
    public static let children = WatchKind(known: 1)
    /// The watches that `data(of:watch:)` and `exists(_:watch:)` set.
    public static let data = WatchKind(known: 2)
    /// All watches, persistent ones included.
    public static let any = WatchKind(known: 3)

    private init(known rawValue: Int32) {
        self.rawValue = rawValue
    }

    package init?(rawValue: Int32) {
        guard (1...3).contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}
