import IsthmusTesting
import Services
import Testing

@Suite("identities of services")
struct ServiceIDTests {
    @Test(
        "the text of a service begins with its protocol",
        arguments: [
            (ServiceID(name: "com.acme.Cart", protocol: "dubbo"), "dubbo://com.acme.Cart"),
            (ServiceID(name: "com.acme.Cart", protocol: "tri", group: "blue"), "tri://blue/com.acme.Cart"),
            (
                ServiceID(name: "com.acme.Cart", protocol: "dubbo", group: "blue", version: "1.0.0"),
                "dubbo://blue/com.acme.Cart:1.0.0"
            ),
            (
                ServiceID(name: "com.acme.Cart", protocol: "dubbo", version: "x/y:z%"),
                "dubbo://com.acme.Cart:x%2Fy%3Az%25"
            ),
            (ServiceID(name: "", protocol: "dubbo", version: "1"), "dubbo://:1"),
        ])
    func text(id: ServiceID, text: String) {
        #expect(id.description == text)
        #expect(ServiceID(text) == id)
    }

    @Test(
        "other qualifiers stand at the end",
        arguments: [
            (["protocol": "dubbo", "scope": "east"], "dubbo://com.acme.Cart?scope=east"),
            (
                ["version": "1.0", "namespace": "shop", "group": "blue", "protocol": "tri", "scope": "s"],
                "tri://blue/com.acme.Cart:1.0?namespace=shop&scope=s"
            ),
            (["protocol": "x", "a=b&c": "100%?/:"], "x://com.acme.Cart?a%3Db%26c=100%25%3F%2F%3A"),
        ])
    func longText(qualifiers: [String: String], text: String) throws {
        let id = try #require(ServiceID(name: "com.acme.Cart", qualifiers: qualifiers))
        #expect(id.description == text)
        #expect(ServiceID(text) == id)
    }

    @Test("a service has a protocol", arguments: [[:], ["group": "g"], ["protocol": ""]])
    func noProtocol(qualifiers: [String: String]) {
        #expect(ServiceID(name: "a", qualifiers: qualifiers) == nil)
        #expect(ServiceID(name: "a", protocol: "tri") != ServiceID(name: "a", protocol: "dubbo"))
        #expect(ServiceID(name: "a", protocol: "tri").protocol == "tri")
    }

    @Test(
        "a text that an earlier release wrote leads to the service of the protocol that stands beside it",
        arguments: [
            ("com.acme.Cart", "dubbo://com.acme.Cart"), ("blue/com.acme.Cart", "dubbo://blue/com.acme.Cart"),
            ("blue/com.acme.Cart:1.0.0", "dubbo://blue/com.acme.Cart:1.0.0"),
            ("com.acme.Cart:x%2Fy%3Az%25", "dubbo://com.acme.Cart:x%2Fy%3Az%25"), ("a?b", "dubbo://a%3Fb"),
            ("v2://com.acme.Cart?scope=east", "dubbo://com.acme.Cart?scope=east"),
            ("v2://a/b?group=blue&namespace=shop&version=1.0", "dubbo://blue/a%2Fb:1.0?namespace=shop"),
        ])
    func earlierText(earlier: String, text: String) {
        let id = ServiceID(earlierText: earlier, protocol: "dubbo")
        #expect(id?.description == text)
        #expect(ServiceID(earlier) == nil)
        #expect(ServiceID(earlierText: text, protocol: "dubbo") == nil)
    }

    @Test(
        "a text that is no text of a service is refused",
        arguments: [
            "", "a", "://a", "dubbo:/a", "v2://a", "v2://a?b=c", "dubbo://a?", "dubbo://a?b", "dubbo://a?b=",
            "dubbo://a?b=c&b=d", "dubbo://a?b=c?d=e", "dubbo://a?b=c=d", "dubbo://a%", "dubbo://a?b=c&",
            "dubbo://a/b/c", "dubbo://a:b:c", "dubbo://a%2", "dubbo://a%41",
        ])
    func refused(text: String) {
        #expect(ServiceID(text) == nil)
    }

    @Test(
        "an earlier text that is no text of a service is refused",
        arguments: [
            "", "/", ":", "group/", "group/:1", "a/b/c", "a:b:c", "a%", "a%2", "a%41", "v3://a", "v2://a?", "v2://a?b",
            "v2://a?b=c&b=d", "v2://a%2Fb", "v2://a%",
        ])
    func refusedEarlier(text: String) {
        #expect(ServiceID(earlierText: text, protocol: "dubbo") == nil)
    }

    @Test("whatever the parts contain, the text leads back to them", arguments: SeededGenerator.seeds(8))
    func lossless(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func part(_ minimum: Int) -> String {
            let alphabet = Array("ab./:%25FA \u{301}é😀".unicodeScalars)
            var text = ""
            for _ in 0..<Int.random(in: minimum...6, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            return text
        }
        for _ in 0..<300 {
            let id = ServiceID(name: part(0), protocol: part(1), group: part(0), version: part(0))
            #expect(ServiceID(id.description) == id, "\(id)")
        }
    }

    @Test("any qualifiers lead to a text of their own, and back", arguments: SeededGenerator.seeds(8))
    func injective(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func part() -> String {
            let alphabet = Array("av2g/:?&=%5DF\u{301}é ".unicodeScalars)
            var text = ""
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                text.unicodeScalars.append(alphabet.randomElement(using: &random)!)
            }
            return text
        }
        var texts: [String: ServiceID] = [:]
        for _ in 0..<500 {
            let pairs = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                (["group", "version", "scope", part()].randomElement(using: &random)!, part())
            }
            let own = [("protocol", ["dubbo", "v", "=" + part()].randomElement(using: &random)!)]
            let id = ServiceID(name: part(), qualifiers: Dictionary(pairs + own) { $1 })!
            let other = texts.updateValue(id, forKey: id.description) ?? id
            // As strings, two texts that differ in Unicode's normal form are the same key.
            #expect(other == id || Array(other.description.utf8) != Array(id.description.utf8))
            #expect(ServiceID(id.description) == id, "\(id)")
        }
    }

    @Test("qualifiers are sorted and none is empty; the order in which they were set does not count")
    func qualifiers() {
        let id = ServiceID(
            name: "a", qualifiers: ["zone": "z", "group": "g", "none": "", "scope": "s", "protocol": "p"])!
        #expect(id.qualifiers.map(\.key) == ["group", "protocol", "scope", "zone"])
        #expect(id.group == "g" && id.version == "" && id["zone"] == "z" && id["none"] == nil)
        let built = ServiceID(name: "a", protocol: "p").setting("zone", to: "z").setting("scope", to: "t")
            .setting("group", to: "g").setting("scope", to: "s")
        #expect(built == id && built.hashValue == id.hashValue)
        let short = ServiceID(name: "a", protocol: "p", group: "g")
        #expect(built.setting("zone", to: "").setting("scope", to: "") == short)
    }

    @Test("services whose names differ in their bytes are two, also where Unicode calls the names equal")
    func bytes() {
        let (composed, decomposed) = ("é", "e\u{301}")
        #expect(composed == decomposed)
        #expect(ServiceID(name: composed, protocol: "p") != ServiceID(name: decomposed, protocol: "p"))
        #expect(
            ServiceID(name: "a", protocol: "p", group: composed)
                != ServiceID(name: "a", protocol: "p", group: decomposed))
        #expect(
            ServiceID(name: composed, protocol: "p").isNamed(composed)
                && !ServiceID(name: composed, protocol: "p").isNamed(decomposed))
        #expect(ServiceID(name: "a", protocol: "p", group: "b") != ServiceID(name: "a", protocol: "p", version: "b"))
    }

    @Test(
        "the order is that of the values, key by key, where an absent one comes first",
        arguments: SeededGenerator.seeds(4))
    func qualifierOrder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let keys = ["a", "b", "group", "version", "x"]
        let ids = (0..<60).map { _ in
            let pairs = keys.map { ($0, ["", "", "1", "2"].randomElement(using: &random)!) }
            let name = ["s", "t"].randomElement(using: &random)!
            return ServiceID(name: name, qualifiers: Dictionary(pairs + [("protocol", "p")]) { $1 })!
        }
        func values(_ id: ServiceID) -> [String] { [id.name] + keys.map { id[$0] ?? "" } }
        for left in ids {
            for right in ids {
                #expect((left < right) == values(left).lexicographicallyPrecedes(values(right)))
                #expect((left == right) == (values(left) == values(right)))
                #expect(left != right || left.hashValue == right.hashValue)
            }
        }
    }

    @Test("an ID is one reference")
    func size() {
        #expect(MemoryLayout<ServiceID>.size == MemoryLayout<Int>.size)
    }

    @Test("services have one order, however the characters of their names are composed")
    func order() {
        let names = [
            "e\u{301}", "é", "éOrders", "é{", "é\\", "é\"", "\u{301}", "e", "f", "订单", "com.acme.A", "com.acme.B", "",
        ]
        let ids = Set(names.flatMap { name in names.map { ServiceID(name: name, protocol: "p", group: $0) } }).sorted()
        for (index, id) in ids.enumerated() {
            #expect(ids[..<index].allSatisfy { $0 < id && !(id < $0) })
        }
        #expect(ids.reversed().sorted() == ids)
        #expect(
            ServiceID(name: "a", protocol: "p", group: "b", version: "2")
                > ServiceID(name: "a", protocol: "p", group: "b", version: "1"))
        #expect(ServiceID(name: "a", protocol: "p", group: "b") > ServiceID(name: "a", protocol: "p", version: "1"))
    }
}
