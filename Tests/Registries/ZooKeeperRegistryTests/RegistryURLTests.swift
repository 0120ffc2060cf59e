import Settings
import Testing
import ZooKeeper
import ZooKeeperRegistry

@Suite("the URL of a ZooKeeper")
struct RegistryURLTests {
    private static func settings(_ url: String) throws -> ZooKeeperSettings {
        try #require(try ZooKeeperKind().settings(url: url) as? ZooKeeperSettings)
    }

    @Test(
        "names servers and Dubbo's root, as Dubbo's own does",
        arguments: [
            ("zookeeper://10.0.0.1:2181", "10.0.0.1:2181", "/dubbo"),
            ("zookeeper://10.0.0.1", "10.0.0.1:2181", "/dubbo"),
            ("zookeeper://a:1,b:2/rpc", "a:1,b:2", "/rpc"),
            ("zookeeper://10.0.0.1:2181/dubbo/", "10.0.0.1:2181", "/dubbo"),
            ("zookeeper://a:1?backup=b:2,c:3", "a:1,b:2,c:3", "/dubbo"),
            ("zookeeper://a:1?backup=b%3A2%2Cc%3A3", "a:1,b:2,c:3", "/dubbo"),
            ("zookeeper://a:1/rpc?backup=b:2", "a:1,b:2", "/rpc"),
            ("zookeeper://a:1?backup=b", "a:1,b:2181", "/dubbo"),
            ("zookeeper://a:1?group=prod", "a:1", "/prod"),
            ("zookeeper://a:1?group=/prod&backup=b:2", "a:1,b:2", "/prod"),
            ("zookeeper://a:1/prod?group=prod", "a:1", "/prod"),
        ])
    func understood(url: String, servers: String, root: String) throws {
        let settings = try Self.settings(url)
        #expect(settings.servers.description == servers)
        #expect(settings.root == root)
    }

    @Test(
        "says what is wrong, and never repeats a password",
        arguments: [
            ("zookeeper://u:secret@10.0.0.1:2181/dubbo", "zookeeper.digest"),
            ("zookeeper://10.0.0.1:2181?username=u&password=secret", "zookeeper.digest"),
            ("zookeeper://u:se/cret?secret@10.0.0.1:2181", "zookeeper.digest"),
            ("zookeeper://127.0.0.1:2181/dubbo?timeout=60000", "zookeeper.sessionTimeout"),
            ("zookeeper://127.0.0.1:2181/dubbo?x", "'x' is not taken: a URL may have 'backup' and 'group'"),
            ("zookeeper://127.0.0.1:2181?backup", "'backup' has no value"),
            ("zookeeper://127.0.0.1:2181?backup=127.0.0.2:x", "'x' is not a port"),
            ("zookeeper://127.0.0.1:2181/a?group=b", "'/a' and the group '/b' both name the root"),
            ("zookeeper://127.0.0.1:2181?group=a//b", "empty segment"),
            ("zookeeper://10.0.0.1:2181;10.0.0.2:2181", "commas separate the servers"),
        ])
    func refused(url: String, reason: String) {
        let error = #expect(throws: ConfigurationError.self) { try ZooKeeperKind().settings(url: url) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("cret") == false, "\(error?.description ?? "")")
    }
}
