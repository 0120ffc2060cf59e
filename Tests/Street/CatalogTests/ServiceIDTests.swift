import Catalog
import IsthmusTesting
import Services
import Testing

@Suite("service keys")
struct ServiceIDTests {
    @Test(
        "the text is Dubbo's service key",
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
