import Testing

@testable import ZooKeeper

@Suite("The path of a znode")
struct ZnodePathTests {
    @Test(
        "a path that ZooKeeper accepts is accepted",
        arguments: [
            "/", "/a", "/a/b", "/dubbo/org.apache.Demo/providers/dubbo%3A%2F%2F10.0.0.1%3A20880", "/.a/..b/c.", "/ü/日本",
            "/with space", "/a\u{D7FF}", "/a\u{F900}",
        ])
    func good(path: String) throws {
        try ZnodePath.validate(path)
    }

    @Test(
        "a path that ZooKeeper refuses is refused",
        arguments: [
            "", "a", "a/b", "//", "/a/", "/a//b", "/.", "/a/..", "/a/./b", "/a\u{0}", "/a\u{1}", "/a\u{1F}", "/a\u{7F}",
            "/a\u{9F}", "/a\u{E000}", "/a\u{F8FF}", "/a\u{FFF0}", "/a\u{FFFF}",
            // The server sees two surrogates, which it refuses.
            "/a\u{1F600}",
        ])
    func bad(path: String) {
        #expect(throws: ZooKeeperError.self) { try ZnodePath.validate(path) }
    }
}
