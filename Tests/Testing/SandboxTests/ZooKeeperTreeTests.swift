import NIOCore
import Testing
import ZooKeeper

@testable import Sandbox

/// A tree with a time of its own, and sessions numbered from 1.
private struct TestTree {
    var tree: ZnodeTree
    var now = NIODeadline.uptimeNanoseconds(5_000_000_000)
    private var sessions: Int64 = 0

    init(_ change: (inout ZnodeTree.Settings) -> Void = { _ in }) {
        var settings = ZnodeTree.Settings()
        settings.startOfTime = 1_000
        change(&settings)
        tree = ZnodeTree(settings: settings)
    }

    mutating func connect(
        lastZxid: Int64 = 0, timeout: Int32 = 10_000, resume: (id: Int64, password: UInt8)? = nil
    ) -> ConnectResponse? {
        let request = ConnectRequest(
            lastZxidSeen: lastZxid, timeout: timeout, sessionID: resume?.id ?? 0,
            password: ByteBuffer(repeating: resume?.password ?? 0, count: 16), readOnly: false)
        sessions += 1
        return tree.connect(request, credential: .init(id: sessions, password: Self.password(sessions)), now: now)
    }

    mutating func session() -> Int64 {
        connect()?.sessionID ?? 0
    }

    mutating func perform(_ operation: ZooKeeper.Operation, _ session: Int64? = nil) -> ZnodeTree.Outcome {
        tree.perform(operation, session: session, now: now)
    }

    @discardableResult
    mutating func create(
        _ path: String, _ mode: CreateMode = .persistent, _ session: Int64? = nil
    ) throws -> ZnodeTree.Outcome {
        let outcome = perform(.create(path: path, data: ByteBuffer(), mode: mode), session)
        _ = try outcome.result.get()
        return outcome
    }

    static func password(_ id: Int64) -> ByteBuffer {
        ByteBuffer(repeating: UInt8(id), count: 16)
    }
}

extension ZnodeTree.Outcome {
    fileprivate var code: ZooKeeperError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }
}

private func notification(
    _ session: Int64, _ kind: WatchEvent.Kind, _ path: String
) -> ZnodeTree.Notification {
    ZnodeTree.Notification(session: session, event: WatchEvent(kind: kind, path: path))
}

@Suite("The tree of the in-memory ZooKeeper server")
struct ZooKeeperTreeTests {
    @Test("a session's timeout is cut to 2 to 20 ticks", arguments: [(1, 4_000), (9_000, 9_000), (90_000, 40_000)])
    func timeouts(wish: Int32, granted: Int32) {
        var test = TestTree()
        #expect(test.connect(timeout: wish)?.timeout == granted)
    }

    @Test("a session goes on with its password only, and only until its time is over")
    func resumption() throws {
        var test = TestTree()
        let id = test.session()
        #expect(test.connect(resume: (id, 1))?.sessionID == id)
        #expect(test.connect(resume: (id, 9))?.timeout == 0)
        #expect(test.connect(resume: (99, 1))?.timeout == 0)
        test.now = test.now + .seconds(10)
        #expect(test.tree.expireSessions(now: test.now).ended == [id])
        #expect(test.connect(resume: (id, 1))?.timeout == 0)
    }

    @Test("a client that has seen a later state gets no answer")
    func ahead() {
        var test = TestTree()
        #expect(test.connect(lastZxid: 1) == nil)
        #expect(test.connect(lastZxid: 0) != nil)
        #expect(test.connect(lastZxid: test.tree.zxid) != nil)
    }

    @Test("hearing of a client puts off the end of its session")
    func touch() {
        var test = TestTree()
        let id = test.session()
        test.now = test.now + .seconds(6)
        test.tree.touchSession(id, now: test.now)
        #expect(test.tree.deadline == test.now + .seconds(10))
        #expect(test.tree.expireSessions(now: test.now + .seconds(9)).ended == [])
    }

    @Test("the end of a session takes its ephemeral znodes, and others hear of it")
    func ephemerals() throws {
        var test = TestTree()
        let (owner, watcher) = (test.session(), test.session())
        try test.create("/p")
        try test.create("/p/e", .ephemeral, owner)
        _ = test.perform(.getChildren(path: "/p", watch: true), watcher)
        #expect(test.tree.stat(at: "/p/e")?.ephemeralOwner == owner)
        let outcome = test.perform(.closeSession, owner)
        #expect(outcome.notifications == [notification(watcher, .childrenChanged, "/p")])
        #expect(test.tree.children(of: "/p") == [])
        #expect(test.tree.sessionIDs == [watcher])
        #expect(test.perform(.sync(path: "/"), owner).code == .sessionExpired)
    }

    @Test("an ephemeral znode that its owner deleted is nobody's when a later one takes its path")
    func reusedPath() throws {
        var test = TestTree()
        let (first, second) = (test.session(), test.session())
        try test.create("/e", .ephemeral, first)
        _ = test.perform(.delete(path: "/e", version: -1), second)
        try test.create("/e", .ephemeral, second)
        _ = test.tree.endSession(first)
        #expect(test.tree.stat(at: "/e")?.ephemeralOwner == second)
    }

    @Test("a stat tells of transactions, times, versions and children as ZooKeeper does")
    func stat() throws {
        var test = TestTree()
        try test.create("/s")
        let created = try #require(test.tree.stat(at: "/s"))
        #expect(created.creationTime == 6_000)
        #expect(created.creationZxid == created.modificationZxid)
        #expect(created.childModificationZxid == created.creationZxid)
        test.now = test.now + .seconds(1)
        _ = test.perform(.setData(path: "/s", data: ByteBuffer(string: "abc"), version: 0))
        try test.create("/s/a")
        try test.create("/s/b")
        _ = test.perform(.delete(path: "/s/a", version: -1))
        let changed = try #require(test.tree.stat(at: "/s"))
        #expect(changed.version == 1)
        #expect(changed.dataLength == 3)
        #expect(changed.modificationTime == 7_000)
        #expect(changed.childVersion == 3)
        #expect(changed.childCount == 1)
        #expect(changed.childModificationZxid == test.tree.zxid)
        #expect(changed.creationTime == 6_000)
    }

    @Test("what can't be written is refused with ZooKeeper's codes, and nothing changes")
    func errors() throws {
        var test = TestTree()
        let session = test.session()
        try test.create("/p")
        try test.create("/p/c")
        try test.create("/e", .ephemeral, session)
        func create(_ path: String) -> ZooKeeper.Operation {
            .create(path: path, data: ByteBuffer(), mode: .persistent)
        }
        let refused: [(ZooKeeper.Operation, ZooKeeperError.Code)] = [
            (create("/x/y"), .noNode), (create("/p"), .nodeExists), (create("/"), .nodeExists),
            (create("/e/c"), .noChildrenForEphemerals), (create("x"), .badArguments), (create("/p/"), .badArguments),
            (create("/p/.."), .badArguments), (.delete(path: "/", version: -1), .badArguments),
            (.delete(path: "/zookeeper", version: -1), .badArguments), (.delete(path: "/p", version: -1), .notEmpty),
            (.delete(path: "/p", version: 3), .badVersion), (.delete(path: "/x", version: -1), .noNode),
            (.setData(path: "/p", data: ByteBuffer(), version: 3), .badVersion),
            (.setData(path: "/x", data: ByteBuffer(), version: -1), .noNode),
            (.getData(path: "/x", watch: true), .noNode), (.getChildren(path: "/x", watch: true), .noNode),
            (.exists(path: "/x", watch: false), .noNode),
        ]
        for (operation, code) in refused {
            let outcome = test.perform(operation, session)
            #expect(outcome.code == code, "\(operation)")
            #expect(outcome.notifications.isEmpty)
        }
        #expect(test.tree.children(of: "/") == ["zookeeper", "p", "e"])
        #expect(!test.tree.isWatched("/x", by: session))
    }

    @Test("watches fire once, for whoever set them, and end with the connection")
    func watches() throws {
        var test = TestTree()
        let (a, b) = (test.session(), test.session())
        try test.create("/w")
        for session in [a, b] { _ = test.perform(.getData(path: "/w", watch: true), session) }
        test.tree.detachSession(b)
        let change = ZooKeeper.Operation.setData(path: "/w", data: ByteBuffer(), version: -1)
        #expect(test.perform(change).notifications == [notification(a, .dataChanged, "/w")])
        #expect(test.perform(change).notifications == [])
    }

    @Test("a recursive watch hears of every depth, a persistent one of one znode and its children")
    func persistent() throws {
        var test = TestTree()
        let (deep, flat) = (test.session(), test.session())
        _ = test.perform(.addWatch(path: "/r", mode: .persistentRecursive), deep)
        _ = test.perform(.addWatch(path: "/r", mode: .persistent), flat)
        var seen = try test.create("/r").notifications
        seen += try test.create("/r/a").notifications
        seen += try test.create("/r/a/b").notifications
        seen += test.perform(.delete(path: "/r/a/b", version: -1)).notifications
        #expect(
            seen == [
                notification(deep, .created, "/r"), notification(flat, .created, "/r"),
                notification(deep, .created, "/r/a"), notification(flat, .childrenChanged, "/r"),
                notification(deep, .created, "/r/a/b"), notification(deep, .deleted, "/r/a/b"),
            ])
    }

    @Test("a recursive watch on the root hears of everything")
    func rootWatch() throws {
        var test = TestTree()
        let session = test.session()
        _ = test.perform(.addWatch(path: "/", mode: .persistentRecursive), session)
        #expect(try test.create("/x").notifications == [notification(session, .created, "/x")])
        #expect(try test.create("/x/y").notifications == [notification(session, .created, "/x/y")])
    }

    @Test("a read with a watch replaces a persistent watch on the same path, as in 3.6 to 3.8")
    func replacedWatch() throws {
        var test = TestTree()
        let session = test.session()
        try test.create("/r")
        _ = test.perform(.addWatch(path: "/r", mode: .persistent), session)
        _ = test.perform(.getChildren(path: "/r", watch: true), session)
        #expect(try test.create("/r/a").notifications == [notification(session, .childrenChanged, "/r")])
        #expect(try test.create("/r/b").notifications == [])
    }
}
