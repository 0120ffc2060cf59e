internal import IsthmusTesting
internal import Nacos
internal import Testing

/// The client against r-nacos, with providers of Nacos' own library for Python.
@Suite("The Nacos client on a real server", .realNacos, .serialized, .timeLimit(.minutes(5)))
struct NacosClientTests {
    private static let orders = ServiceKey(name: "orders")

    private static func configuration(_ server: RealNacos) throws -> NacosClient.Configuration {
        NacosClient.Configuration(servers: [try #require(NacosServer(server.address))])
    }

    /// Runs a client for as long as the body takes.
    private func withClient(
        _ configuration: NacosClient.Configuration, _ body: (NacosClient, inout Watching) async throws -> Void
    ) async throws {
        let client = NacosClient(configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            var watching = Watching(events: client.events.makeAsyncIterator())
            try await body(client, &watching)
        }
    }

    /// The events of a client, waited for one by one.
    private struct Watching {
        var events: NacosEvents.AsyncIterator

        mutating func next<Value>(_ what: String, _ choose: (NacosEvent) -> Value?) async throws -> Value {
            while let event = await events.next() {
                if let value = choose(event) { return value }
            }
            throw TestSupportError("the events ended before: \(what)")
        }

        mutating func connection() async throws -> NacosConnection {
            try await next("a connection") { if case .connected(let connection) = $0 { connection } else { nil } }
        }

        mutating func disconnection() async throws -> String {
            try await next("a disconnection") { if case .disconnected(let reason) = $0 { reason } else { nil } }
        }

        /// The first update about the service with these addresses.
        mutating func update(_ key: ServiceKey, _ addresses: [String]) async throws -> ServiceUpdate {
            try await next("\(key) with \(addresses)") { event in
                guard case .service(let update) = event, update.info.key == key,
                    update.info.instances.map({ "\($0.ip):\($0.port)" }) == addresses
                else { return nil }
                return update
            }
        }
    }

    @Test("a provider registers and dies, and each is pushed")
    func pushes() async throws {
        try await RealNacos.withServer { server in
            try await withClient(Self.configuration(server)) { client, watching in
                let connection = try await watching.connection()
                #expect(connection.kind == .grpc)
                #expect(connection.generation == 1)
                let before = try await client.subscribe(Self.orders)
                #expect(before.info.instances.isEmpty)
                var instance = NacosProvider.Instance("orders", "10.0.0.9", 8_080)
                instance.metadata = ["version": "1.2"]
                let provider = try await NacosProvider.start(server: server.address, [instance])
                let there = try await watching.update(Self.orders, ["10.0.0.9:8080"])
                #expect(there.info.instances.first?.metadata["version"] == "1.2")
                #expect(there.position > before.position)
                #expect(try await client.serviceNames() == ["orders"])
                #expect(try await client.query(Self.orders).info == there.info)
                await provider.kill()
                _ = try await watching.update(Self.orders, [])
            }
        }
    }

    @Test("groups and all services are listed, and namespaces")
    func lists() async throws {
        try await RealNacos.withServer { server in
            try await server.post(["serviceName": "a", "ip": "10.0.0.1", "port": "80", "ephemeral": "false"])
            try await server.post(
                ["serviceName": "b", "groupName": "payments", "ip": "10.0.0.2", "port": "80", "ephemeral": "false"])
            try await withClient(Self.configuration(server)) { client, watching in
                _ = try await watching.connection()
                let names = try await client.serviceNames()
                #expect(names == ["a"])
                let payments = try await client.serviceNames(group: "payments")
                #expect(payments == ["b"])
                let all = try await client.allServices()
                #expect(Set(all) == [ServiceKey(name: "a"), ServiceKey(group: "payments", name: "b")])
                let namespaces = try await client.namespaces()
                #expect(namespaces == ["public"])
            }
        }
    }

    @Test("a restarted server is found again, what is followed is followed again, and what comes back is pushed")
    func restart() async throws {
        try await RealNacos.withServer { server in
            try await withClient(Self.configuration(server)) { client, watching in
                _ = try await watching.connection()
                let provider = try await NacosProvider.start(
                    server: server.address, [NacosProvider.Instance("orders", "10.0.0.9", 8_080)])
                #expect(try await client.subscribe(Self.orders).info.instances.count == 1)
                await server.kill()
                _ = try await watching.disconnection()
                try await server.restart()
                let connection = try await watching.connection()
                #expect(connection.generation == 2)
                let update = try await watching.update(Self.orders, ["10.0.0.9:8080"])
                #expect(update.generation == 2)
                await provider.kill()
            }
        }
    }

    @Test("a server that hangs is left, and found again when it goes on")
    func hanging() async throws {
        try await RealNacos.withServer { server in
            try await withClient(Self.configuration(server)) { client, watching in
                _ = try await watching.connection()
                _ = try await client.subscribe(Self.orders)
                await server.pause()
                let reason = try await watching.disconnection()
                #expect(reason.contains("health check"))
                server.resume()
                let connection = try await watching.connection()
                #expect(connection.generation == 2)
            }
        }
    }

    @Test("of two servers one goes, and the client moves to the other")
    func failover() async throws {
        try await RealNacos.withServer { first in
            try await RealNacos.withServer { second in
                var configuration = try Self.configuration(first)
                configuration.servers.append(try #require(NacosServer(second.address)))
                try await withClient(configuration) { _, watching in
                    let connection = try await watching.connection()
                    let isFirst = "\(connection.server)" == first.address
                    await (isFirst ? first : second).kill()
                    let next = try await watching.connection()
                    #expect("\(next.server)" == (isFirst ? second : first).address)
                }
            }
        }
    }

    // MARK: Users

    private static func configuration(_ server: RealNacos, password: String) throws -> NacosClient.Configuration {
        var settings = try configuration(server)
        settings.credentials = .password(user: RealNacos.admin.name, password: { password })
        return settings
    }

    @Test("a user with the right password reads")
    func login() async throws {
        try await RealNacos.withServer(asksForUsers: true) { server in
            try await withClient(Self.configuration(server, password: RealNacos.admin.password)) { client, watching in
                _ = try await watching.connection()
                #expect(try await client.subscribe(Self.orders).info.instances.isEmpty)
                #expect(try await client.allServices().isEmpty)
            }
        }
    }

    @Test("a wrong password is named, without the password, and not tried all the time")
    func wrongPassword() async throws {
        try await RealNacos.withServer(asksForUsers: true) { server in
            try await withClient(Self.configuration(server, password: "falsch")) { _, watching in
                let reason = try await watching.disconnection()
                #expect(reason.contains("refuses the user"))
                #expect(!reason.contains("falsch"))
            }
        }
    }

    @Test("a client whose token expires goes on with the next one")
    func expiry() async throws {
        try await RealNacos.withServer(asksForUsers: true, tokenLifetime: 3) { server in
            try await withClient(Self.configuration(server, password: RealNacos.admin.password)) { client, watching in
                _ = try await watching.connection()
                // Longer than two tokens live.
                let end = ContinuousClock.now + .seconds(7)
                while ContinuousClock.now < end {
                    let update = try await client.subscribe(Self.orders)
                    #expect(update.generation == 1)
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
        }
    }

    @Test("a server that forgot the token gets another one")
    func forgottenToken() async throws {
        try await RealNacos.withServer(asksForUsers: true) { server in
            try await withClient(Self.configuration(server, password: RealNacos.admin.password)) { client, watching in
                _ = try await watching.connection()
                _ = try await client.subscribe(Self.orders)
                try await server.wipe()
                _ = try await watching.connection()
                // A refused token causes one login a minute, and the first one may have come before the server knew users.
                try await eventually("the client has a token that is good", within: .seconds(120)) {
                    let other = try? await client.subscribe(ServiceKey(name: "other"))
                    return other?.info.instances.isEmpty == true
                }
            }
        }
    }

    // MARK: Configurations

    @Test("a configuration is published, changed and removed, and each is told")
    func configurations() async throws {
        try await RealNacos.withServer { server in
            try await withClient(Self.configuration(server)) { client, watching in
                _ = try await watching.connection()
                let key = ConfigKey(group: "mesh", dataID: "rules.yaml")
                #expect(try await client.config(key) == nil)
                await client.listen(key, md5: "")
                for content in ["one", "two"] {
                    try await Self.publish(key, content, to: server)
                    _ = try await watching.next("a change") { $0 == .configChanged(key) ? true : nil }
                    let read = try #require(try await client.config(key))
                    #expect(read.content == content)
                    await client.listen(key, md5: read.md5)
                }
                try await Self.publish(key, nil, to: server)
                _ = try await watching.next("the removal") { $0 == .configChanged(key) ? true : nil }
                #expect(try await client.config(key) == nil)
            }
        }
    }

    /// - Parameter content: `nil` to remove it.
    private static func publish(_ key: ConfigKey, _ content: String?, to server: RealNacos) async throws {
        let method = content == nil ? "DELETE" : "POST"
        let query = "dataId=\(key.dataID)&group=\(key.group)" + (content.map { "&content=\($0)" } ?? "")
        let request =
            "\(method) /nacos/v1/cs/configs?\(query) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"
            + "Connection: close\r\n\r\n"
        // A server that has just started may have no leader yet.
        try await eventually("the server takes the configuration") {
            try await Loopback.exchange(request, port: server.port).hasPrefix("HTTP/1.1 200")
        }
    }
}
