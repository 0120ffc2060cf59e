/// What a persistent watch covers (`AddWatchMode`, ZooKeeper 3.6 and later).
public enum WatchMode: Int32, Sendable, Hashable {
    /// The znode and the list of its children.
    case persistent = 0
    /// The znode and everything below it, now and later. Tells of each znode that is created, deleted or changed.
    case persistentRecursive = 1
}

/// Which watches to remove (`Watcher.WatcherType`).
public enum WatchKind: Int32, Sendable, Hashable {
    /// Those set with `children(of:watch:)`.
    case children = 1
    /// Those set with `data(of:watch:)` and `exists(_:watch:)`.
    case data = 2
    /// All of them, persistent ones too.
    case any = 3
}
