/// A Dubbo provider on the Python SDK (`apache-dubbo`), as a process of its own: a provider that no one here wrote.
///
/// It registers `tri://HOST:PORT?service=SERVICE` and serves one unary method on that very address, so the host must be
/// one of this machine's own, such as 127.0.0.1 or any other of 127.0.0.0/8.
public final class PythonDubbo: Sendable {
    public static let demoService = "org.apache.dubbo.demo.DemoService"

    public let service: String
    public let host: String
    public let port: Int
    /// The provider's process, with its log.
    public let process: ChildProcess

    private let folder: TemporaryFolder

    /// The name of its ephemeral znode below `ROOT/SERVICE/providers`, as the SDK writes it.
    public var znodeName: String { "tri%3A%2F%2F\(host)%3A\(port)%3Fservice%3D\(service)" }

    /// Starts a provider and returns when it is registered and listens (about a second).
    ///
    /// - Parameters:
    ///   - zooKeeper: one server as `HOST:PORT`.
    ///   - service: the Java-style name of the interface.
    ///   - host: an address of this machine.
    ///   - port: where it listens; a free port by default.
    ///   - root: the registry's root znode, with or without its slash.
    /// - Throws: ``TestSupportError`` when a tool is missing or the provider doesn't come up.
    public static func start(
        zooKeeper: String, service: String = demoService, host: String = "127.0.0.1", port: Int? = nil,
        root: String = "/dubbo"
    ) async throws -> PythonDubbo {
        let tools = try ServerTools.locate()
        let port = try port ?? Loopback.freePort()
        let folder = try TemporaryFolder(label: "dubbo")
        let process = try ChildProcess.start(
            "the Python Dubbo provider", executable: tools.python,
            arguments: [ServerTools.fixture("dubbo_provider.py"), zooKeeper, root, service, host, String(port)],
            workingFolder: folder.path, log: folder.path(of: "log"))
        try await process.waitUntilReady { process.log.contains("provider is ready") }
        return PythonDubbo(service: service, host: host, port: port, process: process, folder: folder)
    }

    private init(service: String, host: String, port: Int, process: ChildProcess, folder: TemporaryFolder) {
        self.service = service
        self.host = host
        self.port = port
        self.process = process
        self.folder = folder
    }

    /// Ends it as a crash would, and waits until it is gone; its znode goes when its session expires.
    public func kill() async {
        process.kill()
        _ = await process.waitForExit()
    }

    /// Stops it in good order: it closes its session, so that its znode goes at once.
    public func stop() async {
        await process.stop()
    }
}
