import JSON
import Sandbox
import Testing

@Suite("The API-server double's lists")
struct APIServerStoreListTests {
    var test = TestStore()

    @Test("a list is ordered, and can be of one namespace")
    mutating func order() throws {
        for (name, namespace) in [("b", "other"), ("b", "default"), ("a", "other"), ("a-b", "default")] {
            try test.handle(.create(serviceEntry(name), namespace: namespace))
        }
        #expect(try names() == ["default/a-b", "default/b", "other/a", "other/b"])
        #expect(try test.list(namespace: "other").items.compactMap(\.name) == ["a", "b"])
        #expect(try test.list(namespace: "oth").items.isEmpty)
    }

    @Test("all pages show the state at the first page's revision, whatever is written between them")
    mutating func pages() throws {
        for number in 100..<120 { try test.handle(.create(serviceEntry("s\(number)"))) }
        let expected = try test.list()
        var options = ResourceStore.Options()
        options.limit = 6
        var pages: [ResourceStore.List] = []
        repeat {
            pages.append(try test.list(options: options))
            options.continuation = pages.last?.continuation
            try test.handle(.delete("s\(105 + pages.count)"))
            try test.handle(.create(serviceEntry("s\(100 + pages.count)x")))
            try test.handle(.patch("s119", ["spec": ["hosts": [.string("\(pages.count).example")]]]))
        } while options.continuation != nil
        #expect(pages.map(\.items.count) == [6, 6, 6, 2])
        #expect(pages.map(\.remainingItemCount) == [14, 8, 2, nil])
        #expect(pages.flatMap(\.items) == expected.items)
        #expect(Set(pages.map(\.resourceVersion)) == [expected.resourceVersion])
    }

    @Test("the next page of a list is gone with the history")
    mutating func expiredPage() throws {
        for name in ["a", "b"] { try test.handle(.create(serviceEntry(name))) }
        var options = ResourceStore.Options()
        options.limit = 1
        options.continuation = try test.list(options: options).continuation
        test.store.expireHistory()
        #expect(refusal(options)?.code == 410)
        #expect(refusal(options)?.reason == "Expired")
    }

    @Test("a resource version asks for a state that is new enough, or exactly that")
    mutating func resourceVersions() throws {
        let first = try #require(try test.object(.create(serviceEntry("a"))).version)
        try test.handle(.create(serviceEntry("b")))
        var options = ResourceStore.Options()
        options.resourceVersion = first
        #expect(try test.list(options: options).items.count == 2)
        options.resourceVersionMatch = "Exact"
        #expect(try test.list(options: options).items.count == 1)
        #expect(try test.list(options: options).resourceVersion == first)
        options.resourceVersionMatch = "NotOlderThan"
        options.resourceVersion = "1000"
        #expect(refusal(options)?.code == 504)
        options.resourceVersion = "abc"
        #expect(refusal(options)?.code == 400)
    }

    @Test(
        "label selectors select as in apimachinery",
        arguments: [
            ("", ["none", "x", "xy"]), ("app=x", ["x", "xy"]), ("app==x,tier=y", ["xy"]), ("app!=x", ["none"]),
            ("app", ["x", "xy"]), ("!tier", ["none", "x"]), ("tier in (y, z)", ["xy"]), ("app in (a,b)", []),
            ("tier notin (y)", ["none", "x"]), (" app = x , !tier ", ["x"]), ("app=", []),
        ])
    mutating func labelSelectors(selector: String, expected: [String]) throws {
        try test.handle(.create(serviceEntry("none")))
        try test.handle(.create(serviceEntry("x", labels: ["app": "x"])))
        try test.handle(.create(serviceEntry("xy", labels: ["app": "x", "tier": "y"])))
        var options = ResourceStore.Options()
        options.selector = try ResourceStore.Selector(labels: selector, fields: nil)
        #expect(try test.list(options: options).items.compactMap(\.name) == expected)
    }

    @Test("field selectors know name and namespace")
    mutating func fieldSelectors() throws {
        for namespace in ["default", "other"] { try test.handle(.create(serviceEntry("a"), namespace: namespace)) }
        var options = ResourceStore.Options()
        options.selector = try ResourceStore.Selector(labels: nil, fields: "metadata.name=a,metadata.namespace!=other")
        #expect(try test.list(options: options).items.count == 1)
    }

    @Test(
        "what is no selector is a bad request",
        arguments: [("a in b", ""), ("a=b c", ""), ("=x", ""), ("a,", ""), ("", "spec.x=y"), ("", "name")])
    func brokenSelectors(labels: String, fields: String) {
        #expect(throws: APIServerStatus.self) { try ResourceStore.Selector(labels: labels, fields: fields) }
    }

    private mutating func names() throws -> [String] {
        try test.list().items.map { "\($0["metadata"]?["namespace"]?.string ?? "")/\($0.name ?? "")" }
    }

    private mutating func refusal(_ options: ResourceStore.Options) -> APIServerStatus? {
        do {
            try test.handle(.init(.list, .serviceEntry, options: options))
            return nil
        } catch {
            return error
        }
    }
}
