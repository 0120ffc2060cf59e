import Testing

@testable import ZooKeeper

@Suite("The connection string")
struct ConnectionStringTests {
    @Test(
        "what every ZooKeeper client takes is taken",
        arguments: [
            ("127.0.0.1:2181", "127.0.0.1:2181"),
            ("zk", "zk:2181"),
            ("zk/", "zk:2181"),
            ("a:1,b,c:65535/dubbo/x", "a:1,b:2181,c:65535/dubbo/x"),
            ("a:1, b:2", "a:1,b:2"),
            ("[::1]", "[::1]:2181"),
            ("[fe80::1]:2182,zk/root", "[fe80::1]:2182,zk:2181/root"),
        ])
    func good(text: String, normal: String) throws {
        let parsed = try ConnectionString(text)
        #expect(parsed.description == normal)
        #expect(try ConnectionString(parsed.description) == parsed)
    }

    @Test(
        "what can't be is refused with the reason",
        arguments: [
            ("", "without a host"), ("/dubbo", "without a host"), ("a,,b", "without a host"),
            (":2181", "without a host"),
            ("a:", "not a port"), ("a:0", "not a port"), ("a:65536", "not a port"), ("a:-1", "not a port"),
            ("a:x", "not a port"), ("::1", "brackets"), ("[::1", "without ']'"), ("[::1]2181", "after ']'"),
            ("[]:1", "without a host"), ("a:1/x/", "empty segment"), ("a:1/../x", "relative"),
        ])
    func bad(text: String, reason: String) {
        #expect {
            try ConnectionString(text)
        } throws: { error in
            guard let error = error as? ZooKeeperError else { return false }
            return error.code == .invalidInput && error.message.contains(reason)
        }
    }

    @Test("IPv6 addresses lose their brackets as hosts and get them back in text")
    func brackets() throws {
        #expect(try ConnectionString("[::1]:7").servers == [.init(host: "::1", port: 7)])
    }
}
