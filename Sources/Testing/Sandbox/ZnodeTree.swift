package import NIOCore
package import ZooKeeper

/// The state of a ZooKeeper server, without any I/O: znodes, sessions and watches. Requests and the time go in;
/// replies, and notifications for other sessions, come out.
///
/// It follows `PrepRequestProcessor`, `DataTree` and `WatchManager` of Apache ZooKeeper 3.8. Access control lists
/// are kept and not enforced, containers and times to live end nothing, quotas are left out; sessions expire when their
/// time is over, not on the next tick.
package struct ZnodeTree: Sendable {
    package struct Settings: Sendable {
        /// The server's unit of time.
        package var tick: TimeAmount = .seconds(2)
        /// The bounds of a session timeout, in ticks.
        package var sessionTicks: ClosedRange<Int> = 2...20
        /// Whether persistent watches are known, as they are from 3.6 on.
        package var supportsAddWatch = true
        /// Milliseconds since 1970 at the zero of the time that requests come with; the times in a `Stat` count from
        /// it.
        package var startOfTime: Int64 = 0

        package init() {}
    }

    /// An event for one session, of a watch that it set.
    package struct Notification: Hashable, Sendable {
        package var session: Int64
        package var event: WatchEvent
    }

    /// The result of a request. The notifications go out before the reply, so that no session sees the new state
    /// before it hears of the change.
    package struct Outcome: Sendable {
        package var notifications: [Notification]
        package var result: Result<Reply, ZooKeeperError>
    }

    let settings: Settings
    /// The last transaction. Every attempt to write takes a number, and so does the start and the end of a session.
    package internal(set) var zxid: Int64 = 0
    /// How often a session asked to see what the leader has.
    package internal(set) var syncCount = 0
    var nodes: [String: Znode]
    var sessions: [Int64: Session] = [:]
    /// The watches of `getData` and `exists`.
    var dataWatches = WatchTable()
    /// The watches of `getChildren`.
    var childWatches = WatchTable()
    var refusals: [String: ZooKeeperError.Code] = [:]

    package init(settings: Settings = Settings()) {
        self.settings = settings
        nodes = [
            "/": Znode(children: ["zookeeper"]),
            "/zookeeper": Znode(children: ["config", "quota"]),
            "/zookeeper/config": Znode(),
            "/zookeeper/quota": Znode(),
        ]
    }

    /// Has every read of `path` fail with this error from now on; `nil` ends that.
    package mutating func refuse(_ path: String, error: ZooKeeperError.Code?) {
        refusals[path] = error
    }

    func timestamp(_ now: NIODeadline) -> Int64 {
        settings.startOfTime + Int64(now.uptimeNanoseconds / 1_000_000)
    }
}

// MARK: - What tests look at

extension ZnodeTree {
    /// The data of the znode, or `nil` when there is none.
    package func data(at path: String) -> ByteBuffer? {
        nodes[path]?.data
    }

    package func stat(at path: String) -> Stat? {
        nodes[path]?.stat
    }

    /// The names of the children, or `nil` when there is no such znode.
    package func children(of path: String) -> Set<String>? {
        nodes[path]?.children
    }

    package var sessionIDs: Set<Int64> {
        Set(sessions.keys)
    }

    /// Whether any watch of this session stands on just this path.
    package func isWatched(_ path: String, by session: Int64) -> Bool {
        dataWatches.mode(of: path, for: session) != nil || childWatches.mode(of: path, for: session) != nil
    }
}
