internal import Foundation

/// A Eureka server of Spring Cloud Netflix, on a free loopback port of a test's own.
///
/// It is a fast one: it answers without a cache, and removes a dead instance as soon as its lease is over.
public final class RealEureka: Sendable {
    /// The user, where the server asks for one.
    public static let user = (name: "isthmus", password: "ge:h%eim")

    public static let reasonToSkip = "there is no Eureka here: scripts/setup-servers unpacks it from ISTHMUS_SHARED_BIN"

    /// Whether tests that need it run here: always when the environment has `CI=true`, where a missing one fails them.
    public static var isExpected: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true" || FileManager.default.fileExists(atPath: program)
    }

    private static var program: String { "\(ServerTools.folder)/eureka/run" }

    public let port: Int

    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// The URL that clients take.
    public var url: String { "http://127.0.0.1:\(port)/eureka/" }

    /// Starts a server and returns when it serves requests (about ten seconds).
    ///
    /// - Parameters:
    ///   - port: `nil` for a free one. Peers have to know each other's.
    ///   - peers: The URLs of the other servers.
    ///   - asksForUser: Whether requests need the user.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(
        port: Int? = nil, peers: [String] = [], asksForUser: Bool = false
    ) async throws -> RealEureka {
        let folder = try TemporaryFolder(label: "eureka")
        let port = if let port { port } else { try Loopback.freePort() }
        var arguments = ["--port", "\(port)", "--fast"]
        if !peers.isEmpty { arguments += ["--peers", peers.joined(separator: ",")] }
        if asksForUser { arguments += ["--user", user.name, "--password", user.password] }
        let server = try await RestartableServer { [arguments] in
            let process = try ChildProcess.start(
                "Eureka", executable: program, arguments: arguments, workingFolder: folder.path,
                log: folder.path(of: "log"))
            try await process.waitUntilReady(within: .seconds(120)) {
                try await Loopback.exchange(
                    "GET /eureka/apps HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", port: port
                ).hasPrefix("HTTP/1.1")
            }
            return process
        }
        return RealEureka(port: port, folder: folder, server: server)
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        port: Int? = nil, peers: [String] = [], asksForUser: Bool = false,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (RealEureka) async throws -> Value
    ) async throws -> Value {
        let server = try await start(port: port, peers: peers, asksForUser: asksForUser)
        return try await with(server, stop: { await $0.kill() }, isolation: isolation, body)
    }

    private init(port: Int, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends it as a crash would, and waits until it is gone. Its registry is gone with it.
    public func kill() async { await server.kill() }

    /// Starts it on the same port, after stopping it if it runs, with an empty registry.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart() async throws { try await server.restart() }

    // MARK: Its HTTP API

    /// Registers an instance, whose lease lasts as long as the test.
    ///
    /// - Throws: ``TestSupportError`` when the server refuses it.
    public func register(_ application: String, _ address: String, _ port: Int = 80) async throws {
        let name = application.uppercased()
        try await request(
            "POST", "apps/\(name)",
            """
            {"instance": {"instanceId": "\(address)", "hostName": "\(address)", "app": "\(name)", "ipAddr": "\(address)",
            "status": "UP", "port": {"$": \(port), "@enabled": "true"}, "vipAddress": "\(application)",
            "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"},
            "leaseInfo": {"renewalIntervalInSecs": 30, "durationInSecs": 3600}}}
            """, expecting: "204")
    }

    public func cancel(_ application: String, _ address: String) async throws {
        try await request("DELETE", "apps/\(application.uppercased())/\(address)", expecting: "200")
    }

    /// Overrides the status of an instance, as an operator does.
    public func setStatus(_ status: String, _ application: String, _ address: String) async throws {
        try await request("PUT", "apps/\(application.uppercased())/\(address)/status?value=\(status)", expecting: "200")
    }

    private func request(_ method: String, _ path: String, _ body: String = "", expecting status: String) async throws {
        let answer = try await Loopback.exchange(
            "\(method) /eureka/\(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)", port: port)
        guard answer.hasPrefix("HTTP/1.1 \(status)") else {
            throw TestSupportError("Eureka refuses \(method) \(path):\n\(answer)")
        }
    }
}
