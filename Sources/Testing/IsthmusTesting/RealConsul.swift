internal import Foundation
internal import JSON

/// A Consul server of one node, on free loopback ports of a test's own.
public final class RealConsul: Sendable {
    /// The token of those who may do everything, where the server asks for tokens.
    public static let rootToken = "5f0c2b7e-0000-4000-8000-00000000aaaa"

    public static let reasonToSkip = "there is no Consul here: scripts/setup-servers unpacks it from ISTHMUS_SHARED_BIN"

    /// Whether tests that need it run here: always when the environment has `CI=true`, where a missing one fails them.
    public static var isExpected: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true" || FileManager.default.fileExists(atPath: program)
    }

    private static var program: String { "\(ServerTools.folder)/bin/consul" }

    public let port: Int

    private let asksForTokens: Bool
    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `127.0.0.1:PORT`, as clients take it.
    public var address: String { "127.0.0.1:\(port)" }

    /// Starts a server and returns when it has a leader (some seconds).
    ///
    /// - Parameter asksForTokens: Whether requests need a token; what a token may not read is left out of answers.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(asksForTokens: Bool = false) async throws -> RealConsul {
        let folder = try TemporaryFolder(label: "consul")
        let ports = try Loopback.freePorts(3)
        var configuration = """
            {"data_dir": "\(folder.path(of: "data"))", "server": true, "bootstrap_expect": 1, "node_name": "n1",
            "bind_addr": "127.0.0.1", "client_addr": "127.0.0.1", "performance": {"raft_multiplier": 1},
            "disable_update_check": true, "connect": {"enabled": false},
            "ports": {"http": \(ports[0]), "dns": -1, "grpc": -1, "serf_lan": \(ports[1]), "serf_wan": -1,
            "server": \(ports[2])}
            """
        if asksForTokens {
            configuration += """
                , "primary_datacenter": "dc1", "acl": {"enabled": true, "default_policy": "deny",
                "tokens": {"master": "\(rootToken)", "agent": "\(rootToken)"}}
                """
        }
        try folder.write(configuration + "}\n", to: "consul.json")
        let token = asksForTokens ? rootToken : nil
        let server = try await RestartableServer {
            let process = try ChildProcess.start(
                "Consul", executable: program, arguments: ["agent", "-config-file", folder.path(of: "consul.json")],
                workingFolder: folder.path, log: folder.path(of: "log"))
            try await process.waitUntilReady {
                // The servers' own service stands in the catalog a moment after the election.
                try await exchange("GET", "catalog/services", token: token, port: ports[0]).contains("\"consul\"")
            }
            return process
        }
        return RealConsul(port: ports[0], asksForTokens: asksForTokens, folder: folder, server: server)
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        asksForTokens: Bool = false, isolation: isolated (any Actor)? = #isolation,
        _ body: (RealConsul) async throws -> Value
    ) async throws -> Value {
        let server = try await start(asksForTokens: asksForTokens)
        return try await with(server, stop: { await $0.kill() }, isolation: isolation, body)
    }

    private init(port: Int, asksForTokens: Bool, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.asksForTokens = asksForTokens
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends it as a crash would, and waits until it is gone.
    public func kill() async { await server.kill() }

    /// Starts it on the same ports with the same data, after stopping it if it runs; returns when it has a leader.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart() async throws { try await server.restart() }

    /// Ends it, removes all its data, and starts it on the same ports.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up, and what `FileManager` throws.
    public func wipe() async throws {
        await kill()
        try FileManager.default.removeItem(atPath: folder.path(of: "data"))
        try await restart()
    }

    // MARK: Its HTTP API

    /// Registers an instance at the agent, or changes one.
    ///
    /// - Parameters:
    ///   - id: `nil` for the service's name with the address.
    ///   - members: More members of the registration, in JSON, such as `"Meta": {"version": "2"}`.
    /// - Throws: ``TestSupportError`` when the server refuses it.
    public func register(
        _ service: String, _ address: String, _ port: Int = 80, id: String? = nil, _ members: String = ""
    ) async throws {
        let more = members.isEmpty ? "" : ", \(members)"
        try await put(
            "agent/service/register",
            """
            {"Name": "\(service)", "ID": "\(id ?? "\(service)-\(address)")", "Address": "\(address)", "Port": \(port)\(more)}
            """)
    }

    public func deregister(_ id: String) async throws { try await put("agent/service/deregister/\(id)") }

    /// Takes an instance out of service, or back into it.
    public func setMaintenance(_ isOn: Bool, of id: String) async throws {
        try await put("agent/service/maintenance/\(id)?enable=\(isOn)")
    }

    /// Sets a check that its instance itself reports: `pass`, `warn` or `fail`.
    public func setCheck(_ id: String, _ state: String) async throws { try await put("agent/check/\(state)/\(id)") }

    /// Makes a token with these rules.
    ///
    /// - Returns: The token, and the name of its policy.
    public func makeToken(_ rules: String) async throws -> String {
        let quoted = rules.replacing("\"", with: "\\\"")
        try await put("acl/policy", "{\"Name\": \"bridge\", \"Rules\": \"\(quoted)\"}")
        let answer = try await put("acl/token", "{\"Policies\": [{\"Name\": \"bridge\"}]}")
        guard let token = try Self.body(answer)["SecretID"]?.string else {
            throw TestSupportError("Consul gives no token:\n\(answer)")
        }
        return token
    }

    /// Changes the rules of the token's policy.
    public func setRules(_ rules: String) async throws {
        let policies = try Self.body(try await request("GET", "acl/policies")).array ?? []
        guard let id = policies.first(where: { $0["Name"]?.string == "bridge" })?["ID"]?.string else {
            throw TestSupportError("Consul has no policy 'bridge'")
        }
        let quoted = rules.replacing("\"", with: "\\\"")
        try await put("acl/policy/\(id)", "{\"Name\": \"bridge\", \"Rules\": \"\(quoted)\"}")
    }

    /// Makes a token unknown.
    public func revoke(_ token: String) async throws {
        let own = try Self.body(try await Self.exchange("GET", "acl/token/self", token: token, port: port))
        guard let accessor = own["AccessorID"]?.string else { throw TestSupportError("Consul knows no such token") }
        _ = try await request("DELETE", "acl/token/\(accessor)")
    }

    @discardableResult
    private func put(_ path: String, _ body: String = "") async throws -> String {
        try await request("PUT", path, body)
    }

    private func request(_ method: String, _ path: String, _ body: String = "") async throws -> String {
        let answer = try await Self.exchange(
            method, path, body, token: asksForTokens ? Self.rootToken : nil, port: port)
        guard answer.hasPrefix("HTTP/1.1 200") else { throw TestSupportError("Consul refuses \(path):\n\(answer)") }
        return answer
    }

    private static func exchange(
        _ method: String, _ path: String, _ body: String = "", token: String?, port: Int
    ) async throws -> String {
        let header = token.map { "X-Consul-Token: \($0)\r\n" } ?? ""
        return try await Loopback.exchange(
            "\(method) /v1/\(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(header)Content-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n\(body)", port: port)
    }

    private static func body(_ answer: String) throws -> JSONValue {
        guard let end = answer.firstRange(of: "\r\n\r\n")?.upperBound else { return .null }
        return try JSONValue(parsing: Array(answer[end...].utf8))
    }
}
