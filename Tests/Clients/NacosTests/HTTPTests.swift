internal import Concurrency
internal import JSON
internal import NIOPosix
internal import Testing

@testable internal import Nacos

/// The HTTP API, as recorded from real servers.
@Suite("The HTTP API", .timeLimit(.minutes(1)))
struct HTTPTests {
    private static let limit = Duration.seconds(5)

    private func exchange() throws -> HTTPExchange {
        try HTTPExchange(NacosClient.Configuration(), MultiThreadedEventLoopGroup.singleton)
    }

    private func context(_ server: RecordedHTTPServer) -> HTTPContext {
        HTTPContext(server: server.server, namespace: "public", headers: [], limit: Self.limit)
    }

    private func failure(of attempt: () async throws -> Void) async -> NacosError.Code? {
        do {
            try await attempt()
            return nil
        } catch {
            return (error as? NacosError)?.code
        }
    }

    @Test("each server tells its version", arguments: Recording.versions)
    func version(version: String) async throws {
        try await RecordedHTTPServer.run(version) { server in
            let told = try await exchange().version(of: server.server, within: Self.limit)
            #expect(told == version)
        }
    }

    @Test("all groups are listed, by the API that the version has", arguments: Recording.versions)
    func allServices(version: String) async throws {
        try await RecordedHTTPServer.run(
            version,
            leavingOut: { name in
                !["http-v3-service-list", "http-v1-catalog-services"].contains { name.hasSuffix("\($0).json") }
            }
        ) {
            let services = try await exchange().allServices(context($0))
            #expect(services.contains(ServiceKey(name: "orders")))
            #expect(services.contains(ServiceKey(group: "payments", name: "billing")))
            #expect(services.contains(ServiceKey(name: "providers:com.acme.Demo:1.0:blue")))
        }
    }

    @Test("one group is listed where the API of 1.x is on", arguments: Recording.versions)
    func group(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { !$0.hasSuffix("http-v1-service-list.json") }) {
            let names = try await exchange().serviceNames(group: ServiceKey.defaultGroup, context($0))
            #expect(names.contains("orders"))
        }
    }

    @Test("a list that is shorter than its count is not a list")
    func partial() async throws {
        #expect(throws: NacosError.self) { try HTTPExchange.check(499, of: 500) }
        try HTTPExchange.check(500, of: 500)
        try HTTPExchange.check(3, of: nil)
    }

    @Test("namespaces are told by their ids; the public one has its name", arguments: Recording.versions)
    func namespaces(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { $0.contains("auth-") }) {
            let namespaces = try await exchange().namespaces(context($0))
            #expect(namespaces.contains("public"))
        }
    }

    @Test("a configuration that doesn't exist is no failure", arguments: Recording.grpcVersions)
    func configurations(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { $0.contains("auth-") }) {
            let content = try await exchange().config(ConfigKey(group: "rules", dataID: "app.yaml"), context($0))
            #expect(content?.content == "a: 1\nb: 汉\n")
            let missing = try await exchange().config(ConfigKey(group: "rules", dataID: "nosuch"), context($0))
            #expect(missing == nil)
        }
    }

    // MARK: Logins

    @Test("a login works by the API that the version has", arguments: Recording.grpcVersions)
    func login(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { !$0.contains("auth-login") }) {
            let token = try await exchange().logIn(
                user: "nacos", password: "isthmus", at: $0.server, within: Self.limit)
            #expect(token == AccessToken(text: "ACCESS-TOKEN", lifetime: .seconds(12)))
        }
    }

    @Test("a wrong password and an unknown user are refusals, whatever the status", arguments: Recording.grpcVersions)
    func refusedLogin(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { !$0.contains("auth-login") }) { server in
            for (user, password) in [("nacos", "wrong"), ("nobody", "x")] {
                let code = await failure {
                    _ = try await exchange().logIn(
                        user: user, password: password, at: server.server, within: Self.limit)
                }
                #expect(code == .forbidden, "\(user)")
            }
        }
    }

    @Test("the answer of 1.4 to a wrong password, which is not HTTP, is a refusal")
    func rawRefusal() async throws {
        try await RecordedHTTPServer.run("1.4.8") { server in
            let code = await failure {
                _ = try await exchange().logIn(user: "nacos", password: "bad", at: server.server, within: .seconds(2))
            }
            #expect(code == .forbidden)
        }
    }

    @Test("a request without a token is refused, with the server's words", arguments: Recording.grpcVersions)
    func noToken(version: String) async throws {
        try await RecordedHTTPServer.run(version, leavingOut: { !$0.hasSuffix("auth-no-token.json") }) { server in
            let code = await failure { _ = try await exchange().service(ServiceKey(name: "guard-me"), context(server)) }
            #expect(code == .forbidden)
        }
    }

    @Test("a server that isn't there is named")
    func unreachable() async throws {
        let server = try await RecordedHTTPServer.run("1.4.8") { $0.server }
        let error = await #expect(throws: NacosError.self) {
            _ = try await exchange().version(of: server, within: Self.limit)
        }
        #expect(error?.code == .disconnected)
        #expect(error?.description.contains("\(server)") == true)
    }

    // MARK: A client of a server of 1.x

    /// Waits for the first connection.
    private func connection(of client: NacosClient) async -> NacosConnection? {
        for await event in client.events {
            if case .connected(let connection) = event { return connection }
        }
        return nil
    }

    private func read(_ client: NacosClient) async throws {
        let connection = await connection(of: client)
        #expect(connection?.kind == .http)
        #expect(connection?.version == "1.4.8")
        let update = try await client.query(ServiceKey(name: "orders"))
        #expect(update.addresses == ["10.1.0.1:8080", "10.1.0.2:8080"])
        let services = try await client.allServices()
        #expect(services.count == 6)
        let unknown = try await client.query(ServiceKey(name: "nosuch"))
        #expect(unknown.info.instances.isEmpty)
        let code = await failure { _ = try await client.subscribe(ServiceKey(name: "orders")) }
        #expect(code == .unsupported)
    }

    /// Runs a client for as long as the body takes.
    private func withClient(
        _ configuration: NacosClient.Configuration, _ body: (NacosClient) async throws -> Void
    ) async throws {
        let client = NacosClient(configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
        let code = await failure { _ = try await client.query(ServiceKey(name: "orders")) }
        #expect(code == .closed)
    }

    private static let isLeftOut: @Sendable (String) -> Bool = {
        $0.contains("withInstances") || $0.contains("dead")
    }

    @Test("a client of a server of 1.x asks, and says that there are no pushes")
    func client() async throws {
        try await RecordedHTTPServer.run("1.4.8", leavingOut: Self.isLeftOut) { (recorded) async throws -> Void in
            try await withClient(NacosClient.Configuration(servers: [recorded.server])) { try await read($0) }
        }
    }

    @Test("an address server tells where the servers are")
    func addressServer() async throws {
        try await RecordedHTTPServer.run("1.4.8", leavingOut: Self.isLeftOut) { (recorded) async throws -> Void in
            let list: JSONValue = [
                "request": ["method": "GET", "path": "/nacos/serverlist"],
                "response": ["status": 200, "body": .string("\n\(recorded.server)\n")],
            ]
            try await RecordedHTTPServer.run("none", adding: [list]) { (addresses) async throws -> Void in
                var configuration = NacosClient.Configuration()
                configuration.addressServer = "http://\(addresses.server)/nacos/serverlist"
                try await withClient(configuration) { try await read($0) }
            }
        }
    }
}
