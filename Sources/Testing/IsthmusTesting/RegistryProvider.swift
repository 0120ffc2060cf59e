internal import Foundation

/// Instances that a Python client of Consul or Eureka registers, as a process of its own: clients that no one here wrote.
///
/// It sends heartbeats, so that its instances die with it.
public final class RegistryProvider: Sendable {
    /// One instance, and the service that it serves.
    public struct Instance: Encodable, Sendable {
        public var service: String
        public var ip: String
        public var port: Int
        public var meta: [String: String] = [:]
        public var tags: [String] = []

        public init(_ service: String, _ ip: String, _ port: Int) {
            self.service = service
            self.ip = ip
            self.port = port
        }
    }

    public static let reasonToSkip =
        "there are no Python clients of registries here: scripts/setup-servers installs them"

    /// Whether the clients are installed.
    public static var isInstalled: Bool { FileManager.default.fileExists(atPath: python) }

    private static var python: String { "\(ServerTools.folder)/registry-venv/bin/python" }

    /// The process, with its log.
    public let process: ChildProcess

    private let folder: TemporaryFolder

    /// Starts the process and returns when the instances are registered (about two seconds).
    ///
    /// - Parameters:
    ///   - kind: `consul` or `eureka`.
    ///   - server: `HOST:PORT` of a Consul, or the URLs of Eureka servers, separated by commas.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(_ kind: String, at server: String, _ instances: [Instance]) async throws
        -> RegistryProvider
    {
        let folder = try TemporaryFolder(label: "provider")
        let json = String(decoding: try JSONEncoder().encode(instances), as: UTF8.self)
        let process = try ChildProcess.start(
            "the \(kind) provider", executable: python,
            arguments: [ServerTools.fixture("registry_provider.py"), kind, server, json],
            environment: ["HOME": folder.path], workingFolder: folder.path, log: folder.path(of: "log"))
        try await process.waitUntilReady { process.log.contains("provider is ready") }
        return RegistryProvider(process: process, folder: folder)
    }

    private init(process: ChildProcess, folder: TemporaryFolder) {
        self.process = process
        self.folder = folder
    }

    /// Ends it as a crash would, and waits until it is gone.
    public func kill() async {
        process.kill()
        _ = await process.waitForExit()
    }

    /// Stops it in good order: it deregisters its instances.
    public func stop() async { await process.stop(within: .seconds(20)) }
}
