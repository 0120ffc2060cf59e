internal import Foundation

/// An etcd server of the test's own, on free loopback ports, with its data in a temporary folder.
public final class RealEtcd: Sendable {
    public let port: Int

    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `http://127.0.0.1:PORT`.
    public var url: String { "http://127.0.0.1:\(port)" }

    /// Starts a server and returns when it is healthy (under a second).
    ///
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func start() async throws -> RealEtcd {
        let tools = try ServerTools.locate()
        let ports = try Loopback.freePorts(2)
        let (port, client, peer) = (ports[0], "http://127.0.0.1:\(ports[0])", "http://127.0.0.1:\(ports[1])")
        let folder = try TemporaryFolder(label: "etcd")
        let server = try await RestartableServer {
            let process = try ChildProcess.start(
                "etcd", executable: tools.etcd,
                arguments: [
                    "--name=test", "--data-dir=\(folder.path(of: "data"))", "--unsafe-no-fsync", "--log-level=warn",
                    "--listen-client-urls=\(client)", "--advertise-client-urls=\(client)",
                    "--listen-peer-urls=\(peer)", "--initial-advertise-peer-urls=\(peer)",
                    "--initial-cluster=test=\(peer)",
                ], log: folder.path(of: "log"))
            try await process.waitUntilReady {
                let answer = try await Loopback.exchange("GET /health HTTP/1.0\r\n\r\n", port: port)
                return answer.contains(#""health":"true""#)
            }
            return process
        }
        return RealEtcd(port: port, folder: folder, server: server)
    }

    private init(port: Int, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends it as a crash would, and waits until it is gone.
    public func kill() async { await server.kill() }

    /// Starts it on the same ports with the same data, after stopping it if it runs.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart() async throws { try await server.restart() }

    /// Compacts its history up to now, physically too: what was before can't be read or watched from any more.
    ///
    /// An API server answers 410 Gone then, if it asks etcd at all: see `watchCache` of
    /// ``RealAPIServer/start(namespaces:definitions:watchCache:arguments:)``. Watches that stand go on.
    ///
    /// - Returns: the revision, in Kubernetes the oldest resource version that is still known.
    /// - Throws: ``TestSupportError`` when `etcdctl` is missing or fails, as it does when nothing changed since the
    ///   last compaction.
    @discardableResult
    public func compact() async throws -> Int {
        let status = try await etcdctl("endpoint", "status", "--write-out=json")
        guard let revision = try JSONDecoder().decode([Status].self, from: Data(status.utf8)).first?.revision else {
            throw TestSupportError("etcdctl does not tell the revision:\n\(status)")
        }
        try await etcdctl("compact", String(revision), "--physical")
        return revision
    }

    /// Runs `etcdctl`, a client that no one here wrote.
    ///
    /// - Returns: what it prints.
    /// - Throws: ``TestSupportError`` when it is missing or fails.
    @discardableResult
    public func etcdctl(_ arguments: String...) async throws -> String {
        try await ChildProcess.outputOfRunning(
            try ServerTools.locate().etcdctl, ["--endpoints=\(url)"] + arguments, environment: ["ETCDCTL_API": "3"])
    }

    /// Grants a lease, which nobody keeps alive.
    ///
    /// - Returns: its id, as `put --lease` takes it.
    /// - Throws: ``TestSupportError`` when `etcdctl` fails.
    public func grantLease(seconds: Int) async throws -> String {
        let words = try await etcdctl("lease", "grant", "\(seconds)").split(separator: " ")
        guard words.count > 1 else { throw TestSupportError("etcdctl tells no lease: \(words)") }
        return String(words[1])
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        isolation: isolated (any Actor)? = #isolation, _ body: (RealEtcd) async throws -> Value
    ) async throws -> Value {
        try await with(try await start(), stop: { await $0.kill() }, isolation: isolation, body)
    }

    private struct Status: Decodable {
        struct Answer: Decodable { let header: Header }
        struct Header: Decodable { let revision: Int }

        let answer: Answer
        var revision: Int { answer.header.revision }

        private enum CodingKeys: String, CodingKey { case answer = "Status" }
    }

    /// Freezes it: connections stay open, and nothing is answered.
    public func pause() async { await process.pause() }

    /// Lets it go on after ``pause()``.
    public func resume() { process.resume() }
}
