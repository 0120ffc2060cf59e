import IsthmusTesting
import Services
import Testing

@Suite("identities of services")
struct ServiceIDTests {
    @Test(
        "with a group and a version alone the text is what earlier releases wrote",
        arguments: [
            (ServiceID(name: "com.acme.Cart"), "com.acme.Cart"),
            (ServiceID(name: "com.acme.Cart", group: "blue"), "blue/com.acme.Cart"),
            (ServiceID(name: "com.acme.Cart", version: "1.0.0"), "com.acme.Cart:1.0.0"),
            (ServiceID(name: "com.acme.Cart", group: "blue", version: "1.0.0"), "blue/com.acme.Cart:1.0.0"),
            (ServiceID(name: "com.acme.Cart", version: "x/y:z%"), "com.acme.Cart:x%2Fy%3Az%25"),
        ])
    func text(id: ServiceID, text: String) {
        #expect(id.description == text)
        #expect(ServiceID(text) == id)
    }

    @Test(
        "every other service has a text of the second form",
        arguments: [
            (["scope": "east"], "v2://com.acme.Cart?scope=east"),
            (
                ["version": "1.0", "namespace": "shop", "group": "blue"],
                "v2://com.acme.Cart?group=blue&namespace=shop&version=1.0"
            ),
            (["a=b&c": "100%?/:"], "v2://com.acme.Cart?a%3Db%26c=100%25%3F/:"),
        ])
    func longText(qualifiers: [String: String], text: String) {
        let id = ServiceID(name: "com.acme.Cart", qualifiers: qualifiers)
        #expect(id.description == text)
        #expect(ServiceID(text) == id)
    }

    @Test("a service without a name has a text too")
    func unnamed() {
        for id in [ServiceID(name: ""), ServiceID(name: "", group: "g"), ServiceID(name: "", version: "1")] {
            #expect(id.description.hasPrefix("v2://"))
            #expect(ServiceID(id.description) == id)
        }
    }

    @Test(
        "what is no text of a service is refused",
        arguments: [
            "v3://a", "v1://a", "v2://a?", "v2://a?b", "v2://a?b=", "v2://a?b=c&b=d", "v2://a?b=c?d=e",
            "v2://a?b=c=d", "v2://a%2Fb", "v2://a%", "v2://a?b=c&",
        ])
    func refusedLong(text: String) {
        #expect(ServiceID(text) == nil)
    }

    @Test(
        "what is no service key is refused",
        arguments: ["", "/", ":", "group/", "group/:1", "a/b/c", "a:b:c", "a%", "a%2", "a%41"])
    func refused(text: String) {
        #expect(ServiceID(text) == nil)
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
            let id = ServiceID(name: part(1), group: part(0), version: part(0))
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
            let id = ServiceID(name: part(), qualifiers: Dictionary(pairs) { $1 })
            let other = texts.updateValue(id, forKey: id.description) ?? id
            // As strings, two texts that differ in Unicode's normal form are the same key.
            #expect(other == id || Array(other.description.utf8) != Array(id.description.utf8))
            #expect(ServiceID(id.description) == id, "\(id)")
        }
    }

    @Test("qualifiers are sorted and none is empty; the order in which they were set does not count")
    func qualifiers() {
        let id = ServiceID(name: "a", qualifiers: ["zone": "z", "group": "g", "none": "", "scope": "s"])
        #expect(id.qualifiers.map(\.key) == ["group", "scope", "zone"])
        #expect(id.group == "g" && id.version == "" && id["zone"] == "z" && id["none"] == nil)
        let built = ServiceID(name: "a").setting("zone", to: "z").setting("scope", to: "t").setting("group", to: "g")
            .setting("scope", to: "s")
        #expect(built == id && built.hashValue == id.hashValue)
        #expect(built.setting("zone", to: "").setting("scope", to: "") == ServiceID(name: "a", group: "g"))
    }

    @Test("services whose names differ in their bytes are two, also where Unicode calls the names equal")
    func bytes() {
        let (composed, decomposed) = ("é", "e\u{301}")
        #expect(composed == decomposed)
        #expect(ServiceID(name: composed) != ServiceID(name: decomposed))
        #expect(ServiceID(name: "a", group: composed) != ServiceID(name: "a", group: decomposed))
        #expect(ServiceID(name: composed).isNamed(composed) && !ServiceID(name: composed).isNamed(decomposed))
        #expect(ServiceID(name: "a", group: "b") != ServiceID(name: "a", version: "b"))
    }

    @Test(
        "the order is that of the values, key by key, where an absent one comes first",
        arguments: SeededGenerator.seeds(4))
    func qualifierOrder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let keys = ["a", "b", "group", "version", "x"]
        let ids = (0..<60).map { _ in
            let pairs = keys.map { ($0, ["", "", "1", "2"].randomElement(using: &random)!) }
            return ServiceID(name: ["s", "t"].randomElement(using: &random)!, qualifiers: Dictionary(pairs) { $1 })
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
        let ids = Set(names.flatMap { name in names.map { ServiceID(name: name, group: $0) } }).sorted()
        for (index, id) in ids.enumerated() {
            #expect(ids[..<index].allSatisfy { $0 < id && !(id < $0) })
        }
        #expect(ids.reversed().sorted() == ids)
        #expect(ServiceID(name: "a", group: "b", version: "2") > ServiceID(name: "a", group: "b", version: "1"))
        #expect(ServiceID(name: "a", group: "b") > ServiceID(name: "a", version: "1"))
    }
}
