/// A ZooKeeper server of the test's own, on a free loopback port, with its data in a temporary folder.
public final class RealZooKeeper: Sendable {
    public let port: Int

    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `127.0.0.1:PORT`, as clients take it.
    public var connectString: String { "127.0.0.1:\(port)" }

    /// Starts a server and returns when it serves requests (about a second).
    ///
    /// - Parameters:
    ///   - tickTime: the server's unit of time; sessions are at least two ticks long, and expire on a tick.
    ///   - maxSessionTimeout: what longer requests for a session's timeout are cut to.
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func start(
        tickTime: Duration = .milliseconds(200), maxSessionTimeout: Duration = .seconds(4)
    ) async throws -> RealZooKeeper {
        let tools = try ServerTools.locate()
        let port = try Loopback.freePort()
        let folder = try TemporaryFolder(label: "zookeeper")
        let configuration = try folder.write(
            """
            tickTime=\(tickTime.milliseconds)
            maxSessionTimeout=\(maxSessionTimeout.milliseconds)
            dataDir=\(folder.path(of: "data"))
            clientPort=\(port)
            clientPortAddress=127.0.0.1
            admin.enableServer=false
            4lw.commands.whitelist=*
            """, to: "zoo.cfg")
        let server = try await RestartableServer {
            let process = try ChildProcess.start(
                "ZooKeeper", executable: tools.java, arguments: arguments(tools: tools, configuration: configuration),
                log: folder.path(of: "log"))
            // `ruok` is answered before the database is loaded; `srvr` names a mode only when requests are served.
            try await process.waitUntilReady { try await Loopback.exchange("srvr", port: port).contains("Mode: ") }
            return process
        }
        return RealZooKeeper(port: port, folder: folder, server: server)
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        tickTime: Duration = .milliseconds(200), maxSessionTimeout: Duration = .seconds(4),
        isolation: isolated (any Actor)? = #isolation, _ body: (RealZooKeeper) async throws -> Value
    ) async throws -> Value {
        let server = try await start(tickTime: tickTime, maxSessionTimeout: maxSessionTimeout)
        return try await with(server, stop: { await $0.kill() }, isolation: isolation, body)
    }

    private init(port: Int, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Stops it and waits until it is gone. Data and sessions are kept for ``restart()``.
    public func stop() async { await process.stop() }

    /// Ends it as a crash would, and waits until it is gone. Data and sessions are kept for ``restart()``.
    public func kill() async { await server.kill() }

    /// Starts it on the same port with the same data, after stopping it if it runs; returns when it serves requests.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart() async throws { try await server.restart() }

    /// Freezes it: connections stay open, and nothing is answered.
    public func pause() async { await process.pause() }

    /// Lets it go on after ``pause()``.
    public func resume() { process.resume() }

    /// The answer to one of ZooKeeper's four-letter commands, such as `mntr`, `cons` or `wchs`.
    ///
    /// - Throws: ``TestSupportError`` when the server doesn't answer.
    public func answer(to command: String) async throws -> String {
        try await Loopback.exchange(command, port: port)
    }

    private static func arguments(tools: ServerTools, configuration: String) -> [String] {
        [
            // A small heap and the quick compiler: the server lives for seconds.
            "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            // What is written survives a kill of the process all the same; only a power cut would lose it.
            "-Dzookeeper.forceSync=no",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp", "\(tools.zooKeeperJar):/usr/share/java/slf4j-simple.jar",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration,
        ]
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
