extension ZooKeeperClient {
    /// Sets a persistent watch, which stays until the connection ends (3.6 and later).
    ///
    /// The watch reports the changes after this function returns. To follow a tree: set the watch, read, then apply the
    /// events (<doc:ZooKeeper#The-order-of-events-and-replies>). The znode need not exist.
    ///
    /// An older server replies `unimplemented` and closes the connection. A server with `WatchManagerOptimized` replies
    /// `marshallingError`.
    ///
    /// Do not read the same path with `watch: true` while the watch stands. In 3.6 to 3.8 the one-shot watch replaces
    /// half of the persistent one, which then reports either changes to the data or changes to the children
    /// (ZOOKEEPER-4466, fixed in 3.9). Reads of other paths, descendants included, are safe.
    /// - Throws: `ZooKeeperError`.
    public func addWatch(_ path: String, mode: WatchMode) async throws(ZooKeeperError) {
        try await perform(.addWatch(path: try absolute(path), mode: mode), path) { (_) throws(JuteError) in }
    }

    /// Removes the watches of this client on exactly this path (3.5 and later).
    ///
    /// An event that is on its way may still arrive.
    /// - Throws: `ZooKeeperError`, with code `noWatcher` when there is no such watch.
    public func removeWatches(_ path: String, kind: WatchKind = .any) async throws(ZooKeeperError) {
        try await perform(.removeWatches(path: try absolute(path), kind: kind), path) { (_) throws(JuteError) in }
    }
}
