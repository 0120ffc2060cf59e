internal import Foundation

/// A ZooKeeper server of the test's own, on a free loopback port, with its data in a temporary folder.
public final class RealZooKeeper: Sendable {
    public let port: Int
    /// The port for clients with TLS; `nil` unless the server was started with it.
    public let securePort: Int?

    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `127.0.0.1:PORT`, as clients take it.
    public var connectString: String { "127.0.0.1:\(port)" }

    /// Starts a server and returns when it serves requests (about a second).
    ///
    /// - Parameters:
    ///   - tickTime: the server's unit of time; sessions are at least two ticks long, and expire on a tick.
    ///   - maxSessionTimeout: what longer requests for a session's timeout are cut to.
    ///   - certificates: with them the server also has a port for TLS, on which it asks clients for a certificate.
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func start(
        tickTime: Duration = .milliseconds(200), maxSessionTimeout: Duration = .seconds(4),
        certificates: TestCertificates? = nil
    ) async throws -> RealZooKeeper {
        let tools = try ServerTools.locate()
        let ports = try Loopback.freePorts(2)
        let securePort = certificates.map { _ in ports[1] }
        let folder = try TemporaryFolder(label: "zookeeper")
        let configuration = try folder.write(
            """
            tickTime=\(tickTime.milliseconds)
            maxSessionTimeout=\(maxSessionTimeout.milliseconds)
            dataDir=\(folder.path(of: "data"))
            clientPort=\(ports[0])
            clientPortAddress=127.0.0.1
            admin.enableServer=false
            4lw.commands.whitelist=*
            extendedTypesEnabled=true

            """ + (try tlsLines(certificates, port: ports[1], folder: folder)), to: "zoo.cfg")
        let member = ZooKeeperMember(
            tools: tools, folder: folder, port: ports[0], configuration: configuration,
            systemProperties: ["-Dzookeeper.extendedTypesEnabled=true", "-Dznode.container.checkIntervalMs=500"])
        let server = try await RestartableServer {
            let process = try await member.startAndWait()
            if let securePort {
                // It is opened last. To what can't be TLS the server answers by closing the connection.
                try await process.waitUntilReady {
                    _ = try await Loopback.exchange("not TLS", port: securePort)
                    return true
                }
            }
            return process
        }
        return RealZooKeeper(port: ports[0], securePort: securePort, folder: folder, server: server)
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        tickTime: Duration = .milliseconds(200), maxSessionTimeout: Duration = .seconds(4),
        certificates: TestCertificates? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: (RealZooKeeper) async throws -> Value
    ) async throws -> Value {
        let server = try await start(
            tickTime: tickTime, maxSessionTimeout: maxSessionTimeout, certificates: certificates)
        return try await with(server, stop: { await $0.kill() }, isolation: isolation, body)
    }

    private init(port: Int, securePort: Int?, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.securePort = securePort
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

    /// Ends it, removes all its data, sessions included, and starts it on the same port.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up, and what `FileManager` throws.
    public func wipe() async throws {
        await kill()
        try FileManager.default.removeItem(atPath: folder.path(of: "data"))
        try await restart()
    }

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

    private static func tlsLines(
        _ certificates: TestCertificates?, port: Int, folder: TemporaryFolder
    ) throws -> String {
        guard let certificates else { return "" }
        // A PEM key store is one file: the key, then its certificate.
        let files = [certificates.serverKey, certificates.serverCertificate]
        let store = try folder.write(
            try files.map { try String(contentsOfFile: $0, encoding: .utf8) }.joined(), to: "server.pem")
        return """
            secureClientPort=\(port)
            secureClientPortAddress=127.0.0.1
            serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
            ssl.keyStore.location=\(store)
            ssl.keyStore.type=PEM
            ssl.trustStore.location=\(certificates.authority)
            ssl.trustStore.type=PEM
            ssl.clientAuth=need
            # A test's client has no host name to be found under.
            ssl.hostnameVerification=false
            """
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
