internal import IsthmusTesting
internal import Testing
internal import ZooKeeper

@Suite("TLS of the ZooKeeper client on a real server", .realServers, .timeLimit(.minutes(5)))
struct ZooKeeperClientTLSTests {
    private func configuration(
        _ certificates: TestCertificates, _ change: (inout TLS) -> Void = { _ in }
    ) -> ZooKeeperClient.Configuration {
        var tls = TLS(
            certificateAuthority: .file(certificates.authority),
            identity: TLS.Identity(
                certificateChain: .file(certificates.clientCertificate), privateKey: .file(certificates.clientKey)))
        change(&tls)
        var configuration = ZooKeeperClient.Configuration()
        configuration.tls = tls
        return configuration
    }

    /// Why a client can't connect; `nil` when it can.
    private func refusal(_ server: String, _ configuration: ZooKeeperClient.Configuration) async throws -> String? {
        let client = ZooKeeperClient(try ConnectionString(server), configuration: configuration)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            for await event in await client.events() {
                switch event {
                case .connected: return nil
                case .disconnected(let reason): return reason
                case .expired, .changed, .overflowed: continue
                }
            }
            return "it never tried"
        }
    }

    @Test("a client with a certificate works by address and by name, and the server knows it by its certificate")
    func mutual() async throws {
        let certificates = try await TestCertificates.make()
        try await RealZooKeeper.withServer(certificates: certificates) { server in
            let port = try #require(server.securePort)
            for host in ["127.0.0.1", "localhost"] {
                try await withClient("\(host):\(port)", configuration(certificates)) { client in
                    let path = try await client.create("/mine-", mode: .persistentSequential, acl: .creatorOnly)
                    #expect(try await client.acl(of: path).acl.map(\.description) == ["x509:CN=client:31"])
                }
            }
            // A port without TLS, a client without a certificate, and an authority that signed neither.
            let other = try await TestCertificates.make()
            #expect(try await refusal(server.connectString, configuration(certificates)) != nil)
            let anonymous = configuration(certificates) { $0.identity = nil }
            #expect(try await refusal("127.0.0.1:\(port)", anonymous)?.contains("client's certificate") == true)
            let stranger = configuration(certificates) { $0.certificateAuthority = .file(other.authority) }
            #expect(try await refusal("127.0.0.1:\(port)", stranger)?.contains("authority that is trusted") == true)
        }
    }

    @Test("a certificate for another host is refused, unless that name is asked for or names are not looked at")
    func hostName() async throws {
        let certificates = try await TestCertificates.make(serverNames: "DNS:zookeeper.internal")
        try await RealZooKeeper.withServer(certificates: certificates) { server in
            let port = try #require(server.securePort)
            for host in ["127.0.0.1", "localhost"] {
                let reason = try await refusal("\(host):\(port)", configuration(certificates))
                #expect(reason?.contains("names another host") == true, "\(reason ?? "none")")
            }
            let named = configuration(certificates) { $0.serverName = "zookeeper.internal" }
            #expect(try await refusal("127.0.0.1:\(port)", named) == nil)
            let careless = configuration(certificates) { $0.verifiesHostName = false }
            #expect(try await refusal("localhost:\(port)", careless) == nil)
        }
    }
}
