import Testing
import ZooKeeper

/// The examples of `docs/zookeeper.md` and of the documentation catalogue. They are compiled, so they stay true.
enum Example {
    static func configuration(password: String) throws -> ZooKeeperClient.Configuration {
        var configuration = ZooKeeperClient.Configuration()
        configuration.tls = TLS(
            certificateAuthority: .file("/etc/zk/ca.pem"),
            identity: TLS.Identity(
                certificateChain: .file("/etc/zk/client.pem"), privateKey: .file("/etc/zk/client.key")))
        configuration.credentials = [.digest(user: "ada", password: password)]
        try configuration.tls?.validate()
        return configuration
    }

    static func followPaymentProviders() async throws {
        let servers = try ConnectionString("zk-1:2181,zk-2:2181,zk-3:2181/services")
        try await ZooKeeperClient.withClient(servers) { client in
            var lastRead: UInt64 = 0
            for await event in await client.events() {
                do {
                    switch event {
                    case .connected, .overflowed:
                        // Watches end with their connection: set the watch, then read.
                        if case .connected = event { try await client.addWatch("/payment", mode: .persistentRecursive) }
                        let list = try await client.childrenInSequence(of: "/payment")
                        lastRead = list.sequence
                        print("providers:", list.children ?? [])
                    case .changed(let change) where change.sequence > lastRead:
                        print(change.kind, change.path)
                    case .disconnected(let reason):
                        print("the providers may be stale:", reason)
                    default:
                        break
                    }
                } catch let error as ZooKeeperError where error.code == .connectionLoss {
                    // The next connection reads again.
                }
            }
        }
    }
}

@Suite("The example of the documentation")
struct ExampleTests {
    @Test("its connection string is valid")
    func connectionString() throws {
        let servers = try ConnectionString("zk-1:2181,zk-2:2181,zk-3:2181/services")
        #expect(servers.servers.count == 3)
        #expect(servers.chroot == "/services")
    }
}
