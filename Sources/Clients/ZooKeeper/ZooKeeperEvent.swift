package import NIOCore

/// A notification of a watch: a change of a znode. It never contains the new state; read it.
///
/// Two events are equal when they report the same change of the same znode, at whatever time.
public struct WatchEvent: Sendable {
    /// The kind of change (`Watcher.Event.EventType`).
    ///
    /// Later versions may add kinds: give a `switch` a `default`.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        package let rawValue: Int32

        public static let created = Kind(known: 1)
        public static let deleted = Kind(known: 2)
        public static let dataChanged = Kind(known: 3)
        /// A child was created or deleted.
        public static let childrenChanged = Kind(known: 4)
        /// The watch that `data(of:watch:)` or `exists(_:watch:)` set was removed.
        public static let dataWatchRemoved = Kind(known: 5)
        /// The watch that `children(of:watch:)` set was removed.
        public static let childWatchRemoved = Kind(known: 6)
        /// The watch that `addWatch(_:mode:)` set was removed.
        public static let persistentWatchRemoved = Kind(known: 7)

        private static let names = [
            "created", "deleted", "dataChanged", "childrenChanged", "dataWatchRemoved", "childWatchRemoved",
            "persistentWatchRemoved",
        ]

        private init(known rawValue: Int32) {
            self.rawValue = rawValue
        }

        package init?(rawValue: Int32) {
            guard (1...7).contains(rawValue) else { return nil }
            self.rawValue = rawValue
        }

        public var description: String { Self.names[Int(rawValue) - 1] }
    }

    public var kind: Kind
    /// The path of the znode, below the chroot.
    public var path: String
    /// The number of the event among all frames that the client received, over all connections.
    ///
    /// Of two events the one with the higher number is newer. On one connection, a reply with a higher number shows the
    /// change of the event. A later connection may lead to a server that is behind: call `sync` before the read there.
    /// 0 for an event that did not come from a server.
    public var sequence: UInt64

    package init(kind: Kind, path: String, sequence: UInt64 = 0) {
        self.kind = kind
        self.path = path
        self.sequence = sequence
    }

    /// `nil` for an event of an unknown kind.
    package init?(reading buffer: inout ByteBuffer) throws(JuteError) {
        let type = try buffer.readJuteInt()
        _ = try buffer.readJuteInt()
        let path = try buffer.readJutePath()
        guard let kind = Kind(rawValue: type) else { return nil }
        self.init(kind: kind, path: path)
    }

    package var frame: ByteBuffer {
        .zooKeeperFrame { buffer in
            ReplyHeader(xid: ReservedXid.notification, zxid: -1, error: 0).write(to: &buffer)
            buffer.writeInteger(kind.rawValue)
            // The state SyncConnected.
            buffer.writeInteger(3, as: Int32.self)
            buffer.writeJuteString(path)
        }
    }
}

extension WatchEvent: Hashable {
    public static func == (left: WatchEvent, right: WatchEvent) -> Bool {
        left.kind == right.kind && left.path == right.path
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(path)
    }
}

/// An established session with the ensemble.
public struct Session: Hashable, Sendable {
    public var id: Int64
    /// The negotiated session timeout. The ensemble keeps the session for this time after it last heard from the
    /// client.
    public var timeout: Duration
    /// The server of the connection.
    public var server: ConnectionString.Server
    /// Whether this is the session of the connection before. Its ephemeral znodes exist then.
    public var isResumed: Bool
}

/// An event of the session or of a watch. The events of one sequence are in the order in which the server sent them.
///
/// Later versions may add cases: a `switch` in another package needs `@unknown default`.
#if hasAttribute(nonexhaustive)
    @nonexhaustive
#endif
public enum ZooKeeperEvent: Hashable, Sendable {
    /// The session was established or resumed.
    ///
    /// The connection has no watches, and changes since the last connection may have been missed: set the watches, then
    /// read again.
    case connected(Session)
    /// The connection was lost, or an attempt failed. The client tries again. The last reads may be stale.
    case disconnected(reason: String)
    /// The session ended, and its ephemeral znodes with it. A new session follows.
    case expired
    /// A watch fired.
    case changed(WatchEvent)
    /// Watch events were dropped: the consumer was too slow, or an event was longer than `replyLimit`.
    ///
    /// Read again. Persistent watches stand; a one-shot watch may have fired.
    case overflowed
}
