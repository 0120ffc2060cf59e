internal import IsthmusTesting
internal import Synchronization
internal import Testing
internal import ZooKeeper

@Suite("The ZooKeeper client on an ensemble", .realServers, .timeLimit(.minutes(5)))
struct ZooKeeperClientEnsembleTests {
    @Test("when the leader is killed under load no change is lost, and none is seen twice")
    func leaderKilled() async throws {
        try await RealZooKeeperEnsemble.withEnsemble { ensemble in
            try await withClient(ensemble.connectString) { writer in
                try await writer.create("/tree")
                let load = TreeWriter(client: writer)
                let leader = try await ensemble.leader()
                async let loading: Void = load.run()
                // One that goes over to another server, and one that misses all that happens while the leader is gone.
                async let mobile = TreeFollower.follow(ensemble.connectString, until: "/tree/end")
                async let bound = TreeFollower.follow("127.0.0.1:\(leader)", until: "/tree/end")
                try await eventually("the load is under way") { load.count > 300 }
                await ensemble.kill(leader)
                let before = load.count
                try await eventually("the load goes on") { load.count > before + 300 }
                try await ensemble.restart(leader)
                load.stop()
                // The followers stop at the last change, so nothing may come after it.
                try await loading
                try await load.perform { try await writer.create("/tree/end") }

                let pictures = try await [mobile, bound]
                try await writer.sync("/tree")
                let tree = try await TreeFollower.read("/tree", writer)
                #expect(tree.count > 20)
                for picture in pictures {
                    #expect(picture.paths.symmetricDifference(tree) == [])
                    #expect(picture.repeated == [])
                    #expect(picture.connections > 1, "the kill did not reach this watcher")
                }
            }
        }
    }
}

/// Makes and deletes znodes two levels deep, one at a time, until it is stopped. No path comes twice, so that a change
/// that somebody missed is never made good by a later one.
private final class TreeWriter: Sendable {
    private let client: ZooKeeperClient
    private let state = Mutex((count: 0, isStopped: false))

    init(client: ZooKeeperClient) {
        self.client = client
    }

    /// How many requests were answered.
    var count: Int { state.withLock { $0.count } }

    func stop() { state.withLock { $0.isStopped = true } }

    func run() async throws {
        var random = SystemRandomNumberGenerator()
        var alive: [String] = []
        for number in 0... {
            if state.withLock({ $0.isStopped }) { return }
            if number % 20 == 0 { try await perform { try await self.client.create("/tree/\(number)") } }
            let path = "/tree/\(number / 20 * 20)/\(number)"
            try await perform { try await self.client.create(path) }
            alive.append(path)
            guard Int.random(in: 0..<10, using: &random) < 7 else { continue }
            let victim = alive.remove(at: .random(in: alive.indices, using: &random))
            try await perform { try await self.client.delete(victim) }
        }
    }

    /// Tries until the server answers; that the znode is there, or isn't, is an answer.
    func perform(_ body: () async throws -> Void) async throws {
        while true {
            do {
                try await body()
            } catch let error as ZooKeeperError {
                if error.code == .connectionLoss || error.code == .sessionExpired { continue }
                guard [.nodeExists, .noNode, .notEmpty].contains(error.code) else { throw error }
            }
            state.withLock { $0.count += 1 }
            return
        }
    }
}

/// A picture of the tree, from one recursive watch and a read after every connection.
private struct TreeFollower {
    var paths: Set<String> = []
    /// Events that say of a znode what the event before it on the same connection has said already.
    var repeated: [WatchEvent] = []
    var connections = 0
    private var last: [String: WatchEvent.Kind] = [:]

    /// Returns when the picture has `end`.
    static func follow(_ servers: String, until end: String) async throws -> TreeFollower {
        let client = ZooKeeperClient(try ConnectionString(servers))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            return try await follow(client, until: end)
        }
    }

    private static func follow(_ client: ZooKeeperClient, until end: String) async throws -> TreeFollower {
        var follower = TreeFollower()
        for await event in await client.events() {
            do {
                try await follower.take(event, client)
            } catch let error as ZooKeeperError where error.code == .connectionLoss {
                // The next connection reads again.
            }
            if follower.paths.contains(end) { break }
        }
        return follower
    }

    private mutating func take(_ event: ZooKeeperEvent, _ client: ZooKeeperClient) async throws {
        switch event {
        case .connected, .overflowed:
            last = [:]
            if case .connected = event {
                connections += 1
                try await client.addWatch("/tree", mode: .persistentRecursive)
            }
            try await client.sync("/tree")
            paths = try await Self.read("/tree", client)
        case .changed(let change):
            if last.updateValue(change.kind, forKey: change.path) == change.kind { repeated.append(change) }
            if change.kind == .created { paths.insert(change.path) }
            if change.kind == .deleted { paths.remove(change.path) }
        case .disconnected, .expired:
            break
        }
    }

    /// All paths from `root` on; one that goes meanwhile is left out.
    static func read(_ root: String, _ client: ZooKeeperClient) async throws -> Set<String> {
        var found: Set<String> = []
        var rest = [root]
        while let path = rest.popLast() {
            guard let children = try await children(of: path, client) else { continue }
            found.insert(path)
            rest += children.map { "\(path)/\($0)" }
        }
        return found
    }

    private static func children(of path: String, _ client: ZooKeeperClient) async throws -> [String]? {
        do throws(ZooKeeperError) {
            return try await client.children(of: path)
        } catch {
            if error.code == .noNode { return nil }
            throw error
        }
    }
}
