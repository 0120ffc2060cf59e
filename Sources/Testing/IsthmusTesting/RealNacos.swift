internal import Foundation

/// r-nacos, a Nacos server that another team wrote and that people run, on free loopback ports of a test's own.
///
/// It is like Nacos 2.x: gRPC and the HTTP API of version 1. It has no fuzzy watch and no protection threshold.
public final class RealNacos: Sendable {
    /// The user who may do everything, where the server asks for one.
    public static let admin = (name: "admin", password: "geheim-1")

    public static let reasonToSkip =
        "there is no r-nacos here: scripts/setup-servers unpacks it from ISTHMUS_SHARED_BIN"

    /// Whether tests that need it and a client of it run here: always when the environment has `CI=true`, where a
    /// missing one fails them.
    public static var isExpected: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true" || isInstalled && NacosProvider.isInstalled
    }

    /// Whether it is unpacked. What is unpacked and can't be started fails a test.
    public static var isInstalled: Bool { FileManager.default.fileExists(atPath: program) }

    private static var program: String { "\(ServerTools.folder)/bin/rnacos" }

    /// The main port; gRPC is 1,000 above it.
    public let port: Int

    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `127.0.0.1:PORT`, as clients take it.
    public var address: String { "127.0.0.1:\(port)" }

    /// Starts a server and returns when it serves requests (about a second).
    ///
    /// - Parameters:
    ///   - asksForUsers: Whether requests need a login.
    ///   - tokenLifetime: How many seconds a login is good; `nil` for an hour.
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public static func start(asksForUsers: Bool = false, tokenLifetime: Int? = nil) async throws -> RealNacos {
        let folder = try TemporaryFolder(label: "nacos")
        let (port, console) = try freePorts()
        var environment = [
            "RNACOS_SDK_HOST": "127.0.0.1", "RNACOS_CONSOLE_HOST": "127.0.0.1", "RNACOS_HTTP_PORT": "\(port)",
            "RNACOS_GRPC_PORT": "\(port + 1_000)", "RNACOS_HTTP_CONSOLE_PORT": "\(console)",
            "RNACOS_DATA_DIR": folder.path(of: "data"), "RNACOS_INIT_ADMIN_USERNAME": admin.name,
            "RNACOS_INIT_ADMIN_PASSWORD": admin.password,
        ]
        if asksForUsers { environment["RNACOS_ENABLE_OPEN_API_AUTH"] = "true" }
        if let tokenLifetime { environment["RNACOS_API_LOGIN_TIMEOUT"] = "\(tokenLifetime)" }
        let server = try await RestartableServer { [environment] in
            // At one start in four a race of r-nacos ends a part of it, and users and configurations don't work. Not
            // always does it say so.
            let isFresh = !FileManager.default.fileExists(atPath: folder.path(of: "data"))
            for _ in 0..<8 {
                let earlier = panics(log: folder.path(of: "log"))
                let process = try ChildProcess.start(
                    "r-nacos", executable: program, environment: environment, workingFolder: folder.path,
                    log: folder.path(of: "log"))
                try await process.waitUntilReady {
                    try await exchange("GET", "/nacos/v1/ns/operator/metrics", port: port).hasPrefix("HTTP/1.1")
                }
                let isWhole = isFresh ? await isWhole(port: port, asksForUsers: asksForUsers) : true
                if isWhole, panics(log: folder.path(of: "log")) == earlier { return process }
                process.kill()
                _ = await process.waitForExit()
                // What half a server has begun may keep the next one from being whole.
                if isFresh { try? FileManager.default.removeItem(atPath: folder.path(of: "data")) }
            }
            throw TestSupportError("r-nacos is not whole at any start")
        }
        return RealNacos(port: port, folder: folder, server: server)
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        asksForUsers: Bool = false, tokenLifetime: Int? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (RealNacos) async throws -> Value
    ) async throws -> Value {
        let server = try await start(asksForUsers: asksForUsers, tokenLifetime: tokenLifetime)
        return try await with(server, stop: { await $0.kill() }, isolation: isolation, body)
    }

    private init(port: Int, folder: TemporaryFolder, server: RestartableServer) {
        self.port = port
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends it as a crash would, and waits until it is gone. Ephemeral instances are gone with it.
    public func kill() async { await server.kill() }

    /// Starts it on the same ports with the same data, after stopping it if it runs; returns when it serves requests.
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

    /// Freezes it: connections stay open, and nothing is answered.
    public func pause() async { await process.pause() }

    /// Lets it go on after ``pause()``.
    public func resume() { process.resume() }

    // MARK: Its HTTP API

    /// Registers an instance that stays until it is deregistered, or changes one as an operator does.
    ///
    /// - Parameter parameters: As the API of version 1 has them, such as `serviceName`, `ip`, `port`, `enabled`.
    /// - Throws: ``TestSupportError`` when the server refuses it.
    public func put(_ parameters: [String: String]) async throws {
        try await instance("PUT", parameters)
    }

    public func post(_ parameters: [String: String]) async throws {
        try await instance("POST", parameters)
    }

    public func delete(_ parameters: [String: String]) async throws {
        try await instance("DELETE", parameters)
    }

    private func instance(_ method: String, _ parameters: [String: String]) async throws {
        let query = parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.encoded($0.value))" }
        let answer = try await Self.exchange(
            method, "/nacos/v1/ns/instance?" + query.joined(separator: "&"), port: port)
        guard answer.hasPrefix("HTTP/1.1 200") else { throw TestSupportError("r-nacos refuses:\n\(answer)") }
    }

    /// The number of instances that the server shows for a service.
    public func instanceCount(of service: String) async throws -> Int {
        let answer = try await Self.exchange("GET", "/nacos/v1/ns/instance/list?serviceName=\(service)", port: port)
        return answer.components(separatedBy: "\"ip\":").count - 1
    }

    /// Publishes a configuration in the public namespace, or removes it.
    ///
    /// - Parameter content: `nil` to remove it.
    /// - Throws: ``TestSupportError`` when the server doesn't take it within a while: one that has just started may have
    ///   no leader yet.
    public func publish(_ dataID: String, group: String = "DEFAULT_GROUP", _ content: String?) async throws {
        let query = "dataId=\(Self.encoded(dataID))&group=\(Self.encoded(group))"
        let form = content.map { "content=\(Self.encoded($0))" } ?? ""
        let request =
            "\(content == nil ? "DELETE" : "POST") /nacos/v1/cs/configs?\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n"
            + "Connection: close\r\n\r\n\(form)"
        try await eventually("the server takes the configuration") { [port] in
            try await Loopback.exchange(request, port: port).hasPrefix("HTTP/1.1 200")
        }
    }

    private static func exchange(_ method: String, _ path: String, port: Int) async throws -> String {
        try await Loopback.exchange(
            "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            port: port)
    }

    /// Whether users or configurations work, once the server has a leader.
    private static func isWhole(port: Int, asksForUsers: Bool) async -> Bool {
        let path =
            asksForUsers
            ? "/nacos/v1/auth/login?username=\(admin.name)&password=\(admin.password)"
            : "/nacos/v1/cs/configs?dataId=ready&group=ready&content=ready"
        let works: Void? = try? await eventually("r-nacos is whole", within: .seconds(5)) {
            try await exchange("POST", path, port: port).hasPrefix("HTTP/1.1 200")
        }
        guard works != nil, !asksForUsers else { return works != nil }
        let removed = try? await exchange("DELETE", "/nacos/v1/cs/configs?dataId=ready&group=ready", port: port)
        return removed?.hasPrefix("HTTP/1.1 200") == true
    }

    private static func panics(log: String) -> Int {
        let text = FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.components(separatedBy: "panicked at").count - 1
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }

    /// A main port whose gRPC port is free too.
    private static func freePorts() throws -> (port: Int, console: Int) {
        for _ in 0..<100 {
            let ports = try Loopback.freePorts(2)
            let socket = try Loopback.makeSocket()
            defer { close(socket) }
            guard ports[0] + 1_000 < 65_536, (try? Loopback.bind(socket, to: ports[0] + 1_000)) != nil else { continue }
            return (ports[0], ports[1])
        }
        throw TestSupportError("no port is free with the one 1,000 above it")
    }
}
