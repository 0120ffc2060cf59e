internal import Foundation

/// A provider on stock Dubbo for Java, as a process of its own: it registers as Dubbo's own code does.
///
/// `scripts/setup-servers` unpacks it where the archive is at hand. Dubbo refuses to register 127.x: it registers
/// ``host`` and listens on 127.0.0.1.
public final class RealDubbo: Sendable {
    /// The versions that are in the archive.
    public static let versions = ["3.3.6", "3.2.19", "2.7.23"]
    public static let host = "10.88.0.1"
    public static let service = "demo.HelloService"

    public static let reasonToSkip =
        "there is no stock Dubbo here: scripts/setup-servers unpacks it from ISTHMUS_SHARED_BIN"

    /// Whether it is unpacked. What is unpacked and can't be started fails a test.
    public static var isInstalled: Bool { FileManager.default.fileExists(atPath: folder) }

    private static var folder: String { "\(ServerTools.folder)/dubbo" }

    /// The provider's process, with its log.
    public let process: ChildProcess

    private let folder: TemporaryFolder

    /// Starts a provider and returns when it is registered (2 to 8 s).
    ///
    /// - Parameters:
    ///   - zooKeeper: One server as `HOST:PORT`.
    ///   - protocols: Such as `dubbo:20880`, or `dubbo:20880+tri` for two protocols at one port.
    ///   - arguments: More flags of `run provider`.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(
        version: String, zooKeeper: String, protocols: [String], arguments: [String] = []
    ) async throws -> RealDubbo {
        try await start(
            version: version, registry: "zookeeper://\(zooKeeper)", protocols: protocols, arguments: arguments)
    }

    /// As the other one, with any registry, such as `nacos://HOST:PORT`.
    public static func start(
        version: String, registry: String, protocols: [String], arguments: [String] = []
    ) async throws -> RealDubbo {
        let home = try TemporaryFolder(label: "dubbo")
        let process = try ChildProcess.start(
            "Dubbo \(version)", executable: "\(folder)/run",
            arguments: [version, "provider", "--registry", registry]
                + protocols.flatMap { ["--protocol", $0] } + arguments,
            environment: ["DUBBO_HOME_DIR": home.path, "TMPDIR": home.path], workingFolder: home.path,
            log: home.path(of: "log"))
        try await process.waitUntilReady { process.log.contains("READY") }
        return RealDubbo(process: process, folder: home)
    }

    private init(process: ChildProcess, folder: TemporaryFolder) {
        self.process = process
        self.folder = folder
    }

    /// Ends it as a crash would, and waits until it is gone; its znodes go when its session expires.
    public func kill() async {
        process.kill()
        _ = await process.waitForExit()
    }

    /// Asks it to stop in good order, as an orchestrator does. It deletes its znodes at once and ends some seconds
    /// later.
    public func beginToStop() {
        process.signal(SIGTERM)
    }

    /// Stops it in good order.
    public func stop() async {
        await process.stop(within: .seconds(20))
    }
}
