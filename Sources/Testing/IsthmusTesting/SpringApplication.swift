internal import Foundation

/// A Spring Cloud application that registers in Consul or Eureka by Spring's own code, as a process of its own.
public final class SpringApplication: Sendable {
    public static let reasonToSkip =
        "there is no Spring application here: scripts/setup-servers unpacks it from ISTHMUS_SHARED_BIN"

    /// Whether it is unpacked.
    public static var isInstalled: Bool { FileManager.default.fileExists(atPath: program) }

    private static var program: String { "\(ServerTools.folder)/eureka/client" }

    /// The process, with its log.
    public let process: ChildProcess
    public let port: Int

    private let folder: TemporaryFolder

    /// Starts it and returns when it listens (about ten seconds).
    ///
    /// - Parameters:
    ///   - registry: `consul` or `eureka`.
    ///   - place: `HOST:PORT` of a Consul, or the URL of a Eureka server.
    ///   - managementPort: `nil` where the application has no port of its own for management.
    ///   - arguments: More options of `client`; the README of the archive has them.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(
        _ name: String, in registry: String, at place: String, ip: String, _ arguments: [String] = [],
        managementPort: Int? = nil
    ) async throws -> SpringApplication {
        let folder = try TemporaryFolder(label: "spring")
        let port = try Loopback.freePort()
        let process = try ChildProcess.start(
            "the Spring application \(name)", executable: program,
            arguments: [
                "--registry", registry, "--at", place, "--name", name, "--port", "\(port)", "--host", ip, "--ip", ip,
            ] + (managementPort.map { ["--management.server.port=\($0)"] } ?? []) + arguments,
            workingFolder: folder.path, log: folder.path(of: "log"))
        try await process.waitUntilReady(within: .seconds(120)) {
            try await Loopback.exchange(
                "GET /actuator/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
                port: managementPort ?? port
            ).hasPrefix("HTTP/1.1")
        }
        return SpringApplication(process: process, port: port, folder: folder)
    }

    private init(process: ChildProcess, port: Int, folder: TemporaryFolder) {
        self.process = process
        self.port = port
        self.folder = folder
    }

    /// Ends it as a crash would, and waits until it is gone.
    public func kill() async {
        process.kill()
        _ = await process.waitForExit()
    }

    /// Stops it in good order: it deregisters itself.
    public func stop() async { await process.stop(within: .seconds(30)) }
}
