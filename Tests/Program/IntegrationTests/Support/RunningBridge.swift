internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Synchronization

/// `isthmus run` with a configuration file: it tells of itself, and may be killed and started again.
final class RunningBridge: Sendable {
    private let folder: TemporaryFolder
    private let port: Int
    private let current: Mutex<ChildProcess>

    /// - Parameter configuration: A configuration file without the section `admin`.
    init(_ configuration: String) throws {
        folder = try TemporaryFolder(label: "bridge")
        port = try Loopback.freePort()
        try folder.write(configuration + "admin: { listen: \"127.0.0.1:\(port)\" }\n", to: "isthmus.yaml")
        current = Mutex(try Self.start(in: folder))
    }

    private static func start(in folder: TemporaryFolder) throws -> ChildProcess {
        try ChildProcess.start(
            "isthmus", executable: ServerTools.builtProduct("isthmus"),
            arguments: ["run", "--config", folder.path(of: "isthmus.yaml")], log: folder.path(of: "log"))
    }

    var process: ChildProcess { current.withLock { $0 } }

    /// Of all its runs.
    var log: String { process.log }

    /// How often its log says something.
    func logCount(of text: String) -> Int { log.components(separatedBy: text).count - 1 }

    /// Ends it as a crash would, and waits until it is gone.
    func kill() async {
        process.kill()
        _ = await process.waitForExit()
    }

    /// Starts it again.
    func restart() throws {
        let fresh = try Self.start(in: folder)
        current.withLock { $0 = fresh }
    }

    // MARK: What it tells of itself

    /// Its answer at `/status`.
    func status() async throws -> JSONValue {
        let answer = try await get("/status")
        guard let head = answer.range(of: "\r\n\r\n") else { throw TestSupportError("no HTTP answer:\n\(answer)") }
        return try JSONValue(parsing: String(answer[head.upperBound...]))
    }

    /// What a probe is told.
    func isReady() async throws -> Bool {
        try await get("/readyz").hasPrefix("HTTP/1.1 200 ")
    }

    /// Returns its status when that is as expected.
    @discardableResult
    func status(
        _ expectation: String, within limit: Duration = .seconds(60), where holds: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        try await eventually("the status says that \(expectation)", within: limit) {
            try await status()
        } until: {
            holds($0)
        }
    }

    private func get(_ path: String) async throws -> String {
        try await Loopback.exchange(
            "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port)
    }
}

extension JSONValue {
    /// Of a status: what it says of its only registry.
    var registry: JSONValue { self["registries"]?.array?.first ?? .null }

    /// Of a status: what it says of its only delivery.
    var delivery: JSONValue { self["deliveries"]?.array?.first ?? .null }

    /// Of a registry's status: why the lists of some interfaces can't be used.
    var unreadable: [String: String] {
        Dictionary(
            (self["unreadable"]?.array ?? []).map { ($0["name"]?.string ?? "", $0["reason"]?.string ?? "") },
            uniquingKeysWith: { $1 })
    }

    /// Of a status: what keeps services from being carried into the mesh, by service.
    var problems: [String: String] {
        Dictionary(
            (self["problems"]?.array ?? []).map { ($0["service"]?.string ?? "", $0["reason"]?.string ?? "") },
            uniquingKeysWith: { $1 })
    }
}
