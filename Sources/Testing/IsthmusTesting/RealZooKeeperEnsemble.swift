internal import Foundation

/// Three ZooKeeper servers that elect a leader among them, on free loopback ports, with their data in temporary
/// folders.
public final class RealZooKeeperEnsemble: Sendable {
    /// The clients' ports of the members, by which members are named.
    public let ports: [Int]

    private let servers: [RestartableServer]

    /// `127.0.0.1:PORT,…`, as clients take it.
    public var connectString: String { ports.map { "127.0.0.1:\($0)" }.joined(separator: ",") }

    /// Starts the members and returns when all of them serve requests (two to five seconds).
    ///
    /// - Parameter tickTime: the servers' unit of time; sessions are 2 to 20 ticks long.
    /// - Throws: ``TestSupportError`` when a tool is missing or a member doesn't come up.
    public static func start(tickTime: Duration = .milliseconds(200)) async throws -> RealZooKeeperEnsemble {
        let tools = try ServerTools.locate()
        let count = 3
        let ports = try Loopback.freePorts(3 * count)
        let quorum = (0..<count).map { "server.\($0 + 1)=127.0.0.1:\(ports[3 * $0]):\(ports[3 * $0 + 1])" }
        let members = try (0..<count).map { index in
            let folder = try TemporaryFolder(label: "zookeeper-\(index + 1)")
            let port = ports[3 * index + 2]
            let data = folder.path(of: "data")
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try folder.write("\(index + 1)\n", to: "data/myid")
            let configuration = try folder.write(
                """
                tickTime=\(tickTime.milliseconds)
                initLimit=50
                syncLimit=25
                dataDir=\(data)
                clientPort=\(port)
                clientPortAddress=127.0.0.1
                admin.enableServer=false
                4lw.commands.whitelist=*
                \(quorum.joined(separator: "\n"))
                """, to: "zoo.cfg")
            return ZooKeeperMember(tools: tools, folder: folder, port: port, configuration: configuration)
        }
        // None serves before a majority runs, so all of them are started before the first is waited for.
        let servers = try await withThrowingTaskGroup(of: (Int, RestartableServer).self) { group in
            for (index, member) in members.enumerated() {
                group.addTask { (index, try await RestartableServer { try await member.startAndWait() }) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return RealZooKeeperEnsemble(ports: members.map(\.port), servers: members.indices.compactMap { servers[$0] })
    }

    /// Runs a body with an ensemble of its own, and stops it however the body ends.
    public static func withEnsemble<Value>(
        tickTime: Duration = .milliseconds(200), isolation: isolated (any Actor)? = #isolation,
        _ body: (RealZooKeeperEnsemble) async throws -> Value
    ) async throws -> Value {
        let ensemble = try await start(tickTime: tickTime)
        return try await with(
            ensemble, stop: { ensemble in for port in ensemble.ports { await ensemble.kill(port) } },
            isolation: isolation, body)
    }

    private init(ports: [Int], servers: [RestartableServer]) {
        self.ports = ports
        self.servers = servers
    }

    /// The leader's port, once there is one.
    ///
    /// - Throws: ``TestSupportError`` when none is elected within 20 s.
    public func leader() async throws -> Int {
        let leader = try await eventually("the ensemble has a leader") {
            for port in ports where (try? await Loopback.exchange("srvr", port: port))?.contains("Mode: leader") == true
            {
                return port as Int?
            }
            return nil
        } until: {
            $0 != nil
        }
        guard let leader else { throw TestSupportError("the ensemble has no leader") }
        return leader
    }

    /// Ends a member as a crash would, and waits until it is gone.
    public func kill(_ port: Int) async {
        await server(port)?.kill()
    }

    /// Starts a member again with its data; returns when it serves requests.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart(_ port: Int) async throws {
        guard let server = server(port) else { throw TestSupportError("no member of the ensemble has port \(port)") }
        try await server.restart()
    }

    /// Freezes a member: connections stay open, and nothing is answered.
    public func pause(_ port: Int) async {
        await server(port)?.process.pause()
    }

    /// Lets a member go on after ``pause(_:)``.
    public func resume(_ port: Int) {
        server(port)?.process.resume()
    }

    private func server(_ port: Int) -> RestartableServer? {
        ports.firstIndex(of: port).map { servers[$0] }
    }
}
