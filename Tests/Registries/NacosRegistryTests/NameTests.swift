import Settings
import Testing

@testable import NacosRegistry

@Suite("which groups, services and servers of Nacos are meant")
struct NameTests {
    @Test("patterns include and exclude names, and exclusion wins")
    func filter() {
        var filter = NameFilter()
        #expect(filter.includes("anything"))
        filter.included = ["prod-*", "*-eu", "a*b*c", "exact"]
        for name in ["prod-", "prod-1", "x-eu", "abc", "a1b2c", "aXbbXc", "exact"] {
            #expect(filter.includes(name), "\(name)")
        }
        for name in ["prod", "x-eu-1", "ab", "acb", "exactly", ""] { #expect(!filter.includes(name), "\(name)") }
        filter.excluded = ["*secret*", "exact"]
        for name in ["prod-secret-1", "exact"] { #expect(!filter.includes(name), "\(name)") }
        #expect(filter.includes("prod-1"))
        #expect(filter.names == ["exact"])
    }

    @Test("a pattern of one name's two ends does not take a shorter name for both")
    func overlap() {
        #expect(!NameFilter(included: ["ab*ba"]).includes("aba"))
        #expect(NameFilter(included: ["ab*ba"]).includes("abba"))
    }

    @Test("groups can be asked for one by one only where each of them is named")
    func groups() {
        #expect(ServiceSelection(groups: NameFilter(included: ["blue", "red"])).namedGroups == ["blue", "red"])
        #expect(ServiceSelection(groups: NameFilter(included: ["blue", "g-*"])).namedGroups == nil)
        #expect(ServiceSelection(groups: NameFilter(excluded: ["blue"])).namedGroups == nil)
        #expect(ServiceSelection().namedGroups == nil)
    }

    @Test("a URL names servers, a namespace and a group, as Dubbo's own configuration does")
    func url() throws {
        let plain = try NacosURL("nacos://nacos-1:8848,nacos-2")
        #expect(plain.servers == ["nacos-1:8848", "nacos-2"])
        #expect(plain.namespace == nil)
        #expect(try NacosURL("nacos://nacos:8848/dev").namespace == "dev")
        #expect(try NacosURL("nacos://nacos:8848/").namespace == nil)
        let dubbo = try NacosURL("nacos://n1:8848?backup=n2:8848,n3:8848&namespace=dev&group=blue")
        #expect(dubbo.servers == ["n1:8848", "n2:8848", "n3:8848"])
        #expect(dubbo.namespace == "dev")
        #expect(dubbo.group == "blue")
    }

    @Test(
        "a URL that can't be meant is refused, and no message repeats a password",
        arguments: [
            "nacos://user:geheim@nacos:8848", "nacos://nacos:8848?username=u&password=geheim",
            "nacos://nacos:8848?accessKey=geheim", "nacos://", "nacos:///dev", "nacos://nacos/a/b",
            "nacos://nacos/dev?namespace=prod", "nacos://nacos?group=", "nacos://nacos?x=geheim",
        ])
    func refusedURL(text: String) {
        let problem = #expect(throws: NacosURL.Problem.self) { try NacosURL(text) }
        #expect(problem?.message.contains("geheim") == false)
    }
}
