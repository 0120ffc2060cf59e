import Testing

@testable import ZooKeeper

@Suite("The connection string")
struct ConnectionStringTests {
    @Test(
        "the forms of other ZooKeeper clients are accepted",
        arguments: [
            ("127.0.0.1:2181", "127.0.0.1:2181"),
            ("zk", "zk:2181"),
            ("zk/", "zk:2181"),
            ("a:1,b,c:65535/dubbo/x", "a:1,b:2181,c:65535/dubbo/x"),
            ("a:1, b:2", "a:1,b:2"),
            ("[::1]", "[::1]:2181"),
            ("[fe80::1]:2182,zk/root", "[fe80::1]:2182,zk:2181/root"),
            ("a:1/x/", "a:1/x"), ("a:1/x,b:1/x", "a:1,b:1/x"), ("a/x/ , b/x", "a:2181,b:2181/x"),
            ("a/,b/", "a:2181,b:2181"),
            ("a/x@y", "a:2181/x@y"),
        ])
    func good(text: String, normal: String) throws {
        let parsed = try ConnectionString(text)
        #expect(parsed.description == normal)
        #expect(try ConnectionString(parsed.description) == parsed)
    }

    @Test(
        "a text that is no connection string is refused with the reason",
        arguments: [
            ("", "without a host"), ("/dubbo", "without a host"), ("a,,b", "without a host"),
            (":2181", "without a host"),
            ("a:", "not a port"), ("a:0", "not a port"), ("a:65536", "not a port"), ("a:-1", "not a port"),
            ("a:x", "not a port"), ("::1", "brackets"), ("[::1", "without ']'"), ("[::1]2181", "after ']'"),
            ("[]:1", "without a host"), ("a:1/x//", "empty segment"), ("a:1/../x", "relative"),
            ("a:1//x", "empty segment"), ("a:+5", "not a port"), ("a:1;b:1", "commas separate"),
            ("a:1 b:1", "commas separate"), ("a:1/x,b:1/y", "different chroots '/x' and '/y'"),
            ("a:1/x,b:1", "behind some servers only"), ("a:1/x,b:1,c:1/x", "behind some servers only"),
            ("zookeeper://a:1", "'zookeeper://' is not allowed: a connection string has no scheme"),
            ("a:1,zookeeper://b:1/x", "no scheme"), ("a:1/x?backup=b:1", "no parameters"), ("a:1?x", "no parameters"),
        ])
    func bad(text: String, reason: String) {
        #expect {
            try ConnectionString(text)
        } throws: { error in
            guard let error = error as? ZooKeeperError else { return false }
            return error.code == .invalidInput && error.message.contains(reason)
        }
    }

    @Test(
        "an error never repeats user info or a query",
        arguments: [
            "u:hidden@a:1", "zookeeper://u:hidden@a:1/x", "a:1,u:hidden@b:1", "u:hid,hidden@a:1", "u:hid/hidden@a:1",
            "u:hid@hidden@a:1", "hidden@a", "a:1/x?password=hidden", "u:hid?hidden@a:1", "a:1?password=u@hidden",
            "u:hidden:x@a",
        ])
    func secrets(text: String) {
        let error = #expect(throws: ZooKeeperError.self) { try ConnectionString(text) }
        #expect(error?.description.contains("hid") == false)
        #expect(error?.message.contains("is not allowed") == true)
    }

    @Test("the host of an IPv6 address has no brackets, and its text has them")
    func brackets() throws {
        #expect(try ConnectionString("[::1]:7").servers == [.init(host: "::1", port: 7)])
    }
}
