/// One server process of an ensemble, or a server of its own: its configuration, its folder and its log.
struct ZooKeeperMember: Sendable {
    let tools: ServerTools
    let folder: TemporaryFolder
    let port: Int
    let configuration: String
    var systemProperties: [String] = []

    /// Starts the process and returns when it serves requests.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    func startAndWait() async throws -> ChildProcess {
        let process = try ChildProcess.start(
            "ZooKeeper", executable: tools.java, arguments: arguments, log: folder.path(of: "log"))
        // `ruok` is answered before the database is loaded; `srvr` names a mode only when requests are served.
        try await process.waitUntilReady { try await Loopback.exchange("srvr", port: port).contains("Mode: ") }
        return process
    }

    private var arguments: [String] {
        // Debian's ZooKeeper names the parts of Netty that TLS needs in its manifest, but for these two.
        let classPath = [
            tools.zooKeeperJar, "/usr/share/java/slf4j-simple.jar", "/usr/share/java/netty-codec.jar",
            "/usr/share/java/netty-resolver.jar",
        ]
        return [
            // A small heap and the quick compiler: the server lives for seconds.
            "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            // Written data survives a kill of the process all the same; only a power cut would lose it.
            "-Dzookeeper.forceSync=no",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
        ] + systemProperties + [
            "-cp", classPath.joined(separator: ":"), "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration,
        ]
    }
}
