extension ZooKeeperClient {
    /// Sets a watch that stays until the connection ends (3.6 and later). An older server answers `unimplemented` and
    /// closes the connection; one with another watch manager answers `marshallingError`.
    ///
    /// Don't read exactly this path with `watch: true` while the watch stands: in 3.6 to 3.8 the watch that fires once
    /// takes the place of one half of this one, which then tells of changes to the data or of the list of children, but
    /// no longer of both (ZOOKEEPER-4466, mended in 3.9). Reads of other paths, those below included, are safe.
    ///
    /// The watch tells of what happens after this returns. To follow a tree, set the watch, then read, then take the
    /// events.
    public func addWatch(_ path: String, mode: WatchMode) async throws(ZooKeeperError) {
        try await perform(.addWatch(path: try absolute(path), mode: mode), path) { (_) throws(JuteError) in }
    }

    /// Removes this client's watches on just this path (3.5 and later).
    ///
    /// An event that was on its way may still come.
    /// - Throws: `ZooKeeperError`, with code `noWatcher` when there is no such watch.
    public func removeWatches(_ path: String, kind: WatchKind = .any) async throws(ZooKeeperError) {
        try await perform(.removeWatches(path: try absolute(path), kind: kind), path) { (_) throws(JuteError) in }
    }
}
