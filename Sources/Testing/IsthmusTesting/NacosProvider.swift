internal import Foundation

/// Instances that Nacos' Python SDK registers by gRPC, as a process of its own: a client that no one here wrote.
///
/// They are gone from the server as soon as the process is.
public final class NacosProvider: Sendable {
    /// One instance, and the service that it serves. A process registers one instance of each service.
    public struct Instance: Encodable, Sendable {
        public var service_name: String
        public var group_name = "DEFAULT_GROUP"
        public var cluster_name = "DEFAULT"
        public var ip: String
        public var port: Int
        public var weight = 1.0
        public var metadata: [String: String] = [:]

        public init(_ service: String, _ ip: String, _ port: Int) {
            service_name = service
            self.ip = ip
            self.port = port
        }
    }

    public static let reasonToSkip = "there is no Nacos SDK for Python here: scripts/setup-servers installs it"

    /// Whether the SDK is installed.
    public static var isInstalled: Bool { FileManager.default.fileExists(atPath: python) }

    private static var python: String { "\(ServerTools.folder)/nacos-venv/bin/python" }

    /// The process, with its log.
    public let process: ChildProcess

    private let folder: TemporaryFolder

    /// Starts the process and returns when the instances are registered (about two seconds).
    ///
    /// - Parameters:
    ///   - server: `HOST:PORT`.
    ///   - user: Name and password, where the server wants them.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(
        server: String, namespace: String = "", user: (name: String, password: String)? = nil, _ instances: [Instance]
    ) async throws -> NacosProvider {
        let folder = try TemporaryFolder(label: "nacos-provider")
        let json = String(decoding: try JSONEncoder().encode(instances), as: UTF8.self)
        let process = try ChildProcess.start(
            "the Nacos provider", executable: python,
            arguments: [ServerTools.fixture("nacos_provider.py"), server, namespace, json]
                + (user.map { [$0.name, $0.password] } ?? []),
            environment: ["HOME": folder.path], workingFolder: folder.path, log: folder.path(of: "log"))
        try await process.waitUntilReady { process.log.contains("provider is ready") }
        return NacosProvider(process: process, folder: folder)
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
    public func stop() async {
        await process.stop(within: .seconds(20))
    }
}
