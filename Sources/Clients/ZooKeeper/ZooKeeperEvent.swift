package import NIOCore

/// What a watch says: that something happened to a znode, never what it holds now.
public struct WatchEvent: Hashable, Sendable {
    public enum Kind: Int32, Sendable, Hashable {
        case created = 1
        case deleted = 2
        case dataChanged = 3
        case childrenChanged = 4
        /// The watch itself was removed.
        case dataWatchRemoved = 5
        case childWatchRemoved = 6
        case persistentWatchRemoved = 7
    }

    public var kind: Kind
    public var path: String
    /// Its number among all the frames that the client received, over all connections. What a reply with a higher one shows
    /// is newer, and with that of another event it tells their order.
    package var sequence: UInt64

    package init(kind: Kind, path: String, sequence: UInt64 = 0) {
        self.kind = kind
        self.path = path
        self.sequence = sequence
    }

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
            buffer.writeInteger(3, as: Int32.self)
            buffer.writeJuteString(path)
        }
    }
}

extension WatchEvent {
    /// Two events are equal when they say the same of the same znode, whenever they came.
    public static func == (left: WatchEvent, right: WatchEvent) -> Bool {
        left.kind == right.kind && left.path == right.path
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(path)
    }
}

/// A session with the ensemble, as it was just established or resumed.
public struct Session: Hashable, Sendable {
    public var id: Int64
    /// How long the ensemble keeps the session after it last heard of it, as negotiated.
    public var timeout: Duration
    /// The server at the other end.
    public var server: ConnectionString.Server
    /// Whether this is the session of the connection before, so that its ephemeral znodes still stand.
    public var isResumed: Bool
}

/// What becomes of the session and of what it watches, in the order in which the server sent it.
public enum ZooKeeperEvent: Hashable, Sendable {
    /// The session was established or resumed. Changes since the last connection may have been missed and no watch
    /// is set: set the watches, then read again.
    case connected(Session)
    /// The connection is lost or could not be made; the client goes on trying. What was read last may be stale.
    case disconnected(reason: String)
    /// The ensemble has ended the session, and with it the session's ephemeral znodes. A new one follows.
    case expired
    /// A watch fired.
    case changed(WatchEvent)
    /// Events were dropped, watch events among them, since the consumer was too slow or one was longer than `replyLimit`:
    /// read again. The watches still stand, but for those that tell once.
    case overflowed
}
