import Testing
import ZooKeeper

/// The examples of `docs/zookeeper.md` and of the documentation catalog; they are compiled so that they stay true.
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
        let client = ZooKeeperClient(try ConnectionString("zk-1:2181,zk-2:2181,zk-3:2181/services"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            for await event in await client.events() {
                switch event {
                case .connected:
                    // Watches end with their connection: set them first, then read.
                    try await client.addWatch("/payment", mode: .persistentRecursive)
                    print("providers:", try await client.children(of: "/payment"))
                case .overflowed:
                    print("providers:", try await client.children(of: "/payment"))
                case .changed(let change):
                    print(change.kind, change.path)
                case .disconnected(let reason):
                    print("what is known may be stale:", reason)
                case .expired:
                    print("ephemeral znodes are gone; a new session follows")
                }
            }
            group.cancelAll()
        }
    }
}

@Suite("The example of the documentation")
struct ExampleTests {
    @Test("its connection string is one")
    func connectionString() throws {
        let servers = try ConnectionString("zk-1:2181,zk-2:2181,zk-3:2181/services")
        #expect(servers.servers.count == 3)
        #expect(servers.chroot == "/services")
    }
}
