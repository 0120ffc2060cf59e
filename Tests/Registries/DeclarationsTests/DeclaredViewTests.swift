import IstioAPI
import Services
import Sources
import Testing

@testable import Declarations

@Suite("the view of declared layouts")
struct DeclaredViewTests {
    private static func view(limit: Int = 100) throws -> DeclaredView {
        var declaration = Declaration(name: "test", root: "/r", key: "/services/{service}/{id}")
        declaration.value = [.json]
        declaration.weight = "weight"
        declaration.sides = [
            .init(key: "/weights/{service}/{address}", weight: "w"),
            .init(key: "/switches/{service}", enabled: ["on = true"]),
        ]
        let decoder = DeclarationDecoder(declaration, protocols: ProtocolDefaults.standard, keptAttributes: [])
        return DeclaredView(decoders: [decoder], limit: limit)
    }

    private static func entry(_ key: String, _ value: String) -> DeclaredEntry {
        DeclaredEntry(key: "/r" + key, value: Array(value.utf8))
    }

    /// The endpoints with traffic, with their weights.
    private static func shown(_ view: DeclaredView) -> [String] {
        view.readings(position: nil).values.flatMap { reading -> [String] in
            guard case .services(let services) = reading.content else { return ["unusable"] }
            return services.flatMap { id, instances in
                instances.values.filter(\.wantsTraffic).map { "\(id.name) \($0.host):\($0.port) \($0.weight)" }
            }
        }.sorted()
    }

    @Test("an entry comes, changes in place and goes")
    func entries() throws {
        var view = try Self.view()
        let came = view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.1:80"}"#)).changes
        #expect(came.map(\.instance?.port) == [80])
        let changed = view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.1:81"}"#)).changes
        #expect(changed.map(\.instance?.port) == [81])
        #expect(changed.map(\.key) == came.map(\.key), "it is the same instance")
        #expect(view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.1:81"}"#)).changes.isEmpty)
        let went = view.remove("/r/services/cart/1")
        #expect(went.map(\.endpoint.port) == [81])
        #expect(went.allSatisfy { $0.instance == nil })
        #expect(Self.shown(view).isEmpty)
        #expect(view.folders(of: "cart") == ["/r/services/cart/"], "a read of the name still finds its folder")
    }

    @Test("content that can't be decoded any more leaves the last good instance")
    func lastGood() throws {
        var view = try Self.view()
        view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.1:80"}"#))
        #expect(view.put(Self.entry("/services/cart/1", "{")).changes.isEmpty)
        #expect(Self.shown(view) == ["cart 10.0.0.1:80 100"])
        #expect(view.readings(position: nil)["cart"]?.unusableCount == 1)
        // A full read finds it as it is, and it stays as it was.
        var renewed = view.renewed()
        renewed.put(Self.entry("/services/cart/1", "{"))
        renewed.readCompletely()
        #expect(Self.shown(renewed) == ["cart 10.0.0.1:80 100"])
        #expect(renewed.remove("/r/services/cart/1").count == 1, "it goes with its key")
    }

    @Test("a service of which nothing can be decoded is unusable, not empty")
    func unusable() throws {
        var view = try Self.view()
        view.put(Self.entry("/services/cart/1", "{"))
        #expect(Self.shown(view) == ["unusable"])
    }

    @Test("weights and switches beside the instances count, whatever comes first")
    func sides() throws {
        var view = try Self.view()
        view.put(Self.entry("/weights/cart/10.0.0.1:80", #"{"w":3}"#))
        view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.1:80"}"#))
        view.put(Self.entry("/services/cart/2", #"{"address":"10.0.0.2:80"}"#))
        view.put(Self.entry("/services/other/1", #"{"address":"10.0.0.1:80"}"#))
        #expect(Self.shown(view) == ["cart 10.0.0.1:80 300", "cart 10.0.0.2:80 100", "other 10.0.0.1:80 100"])
        let changes = view.put(Self.entry("/weights/cart/10.0.0.1:80", #"{"w":5}"#)).changes
        #expect(changes.map(\.instance?.weight) == [500])
        #expect(view.put(Self.entry("/switches/cart", #"{"on":false}"#)).changes.count == 2)
        #expect(Self.shown(view) == ["other 10.0.0.1:80 100"])
        #expect(view.remove("/r/switches/cart").count == 2)
        #expect(view.remove("/r/weights/cart/10.0.0.1:80").map(\.instance?.weight) == [100])
    }

    @Test("keys beyond the limit are counted, and what was there first stays")
    func limit() throws {
        var view = try Self.view(limit: 2)
        for number in 1...4 { view.put(Self.entry("/services/cart/\(number)", #"{"address":"10.0.0.\#(number):80"}"#)) }
        #expect(Self.shown(view) == ["cart 10.0.0.1:80 100", "cart 10.0.0.2:80 100"])
        #expect(view.notes.map(\.count) == [2])
        #expect(view.put(Self.entry("/services/cart/1", #"{"address":"10.0.0.9:80"}"#)).changes.count == 1)
    }

    @Test("a name that gets a key in another folder is told of")
    func folders() throws {
        let kratos = try #require(Declaration.presets.first { $0.name == "kratos" })
        var view = DeclaredView(decoders: [
            DeclarationDecoder(kratos, protocols: ProtocolDefaults.standard, keptAttributes: [])
        ])
        func entry(_ folder: String) -> DeclaredEntry {
            DeclaredEntry(
                key: "/microservices/\(folder)/1",
                value: Array(#"{"name":"cart","endpoints":["http://10.0.0.1:80"]}"#.utf8))
        }
        #expect(view.put(entry("cart")).moved.isEmpty)
        #expect(view.put(entry("basket")).moved == ["cart"])
        #expect(view.folders(of: "cart") == ["/microservices/basket/", "/microservices/cart/"])
    }
}

@Suite("removals that wait")
struct RejoiningTests {
    private static func change(_ key: String, port: UInt16 = 80, isThere: Bool) -> DeclaredChange {
        let instance = Instance(host: .name("a"), port: port)
        let id = ServiceID(name: "cart", protocol: "http")
        return isThere
            ? DeclaredChange(id, InstanceKey(key), instance)
            : DeclaredChange(id, InstanceKey(key), leftFrom: instance.endpoint)
    }

    @Test("a deletion and a creation under another key are one instance, which never leaves")
    func rejoined() {
        var rejoining = Rejoining(window: .milliseconds(200))
        #expect(rejoining.take([Self.change("1", isThere: false)], now: .zero).isEmpty)
        let told = rejoining.take([Self.change("2", isThere: true)], now: .milliseconds(100))
        #expect(told == [Self.change("2", isThere: true), Self.change("1", isThere: false)], "the new one comes first")
        #expect(rejoining.deadline == nil)
    }

    @Test("a removal for which nothing comes is told when its time is over")
    func due() {
        var rejoining = Rejoining(window: .milliseconds(200))
        _ = rejoining.take([Self.change("1", isThere: false)], now: .zero)
        #expect(rejoining.take([Self.change("2", port: 81, isThere: true)], now: .zero).count == 1)
        #expect(rejoining.due(now: .milliseconds(199)).isEmpty)
        #expect(rejoining.deadline == .milliseconds(200))
        #expect(rejoining.due(now: .milliseconds(200)) == [Self.change("1", isThere: false)])
        #expect(rejoining.deadline == nil)
    }

    @Test("a key that is back is not removed afterwards")
    func sameKey() {
        var rejoining = Rejoining(window: .milliseconds(200))
        _ = rejoining.take([Self.change("1", isThere: false)], now: .zero)
        #expect(rejoining.take([Self.change("1", port: 81, isThere: true)], now: .zero).count == 1)
        #expect(rejoining.due(now: .seconds(1)).isEmpty)
    }

    @Test("without a window nothing waits, and neither do removals beyond the limit")
    func noWindow() {
        var none = Rejoining(window: .zero)
        #expect(none.take([Self.change("1", isThere: false)], now: .zero).count == 1)
        var rejoining = Rejoining(window: .seconds(1), limit: 3)
        let many = (0...3).map { Self.change("\($0)", isThere: false) }
        #expect(rejoining.take(many, now: .zero) == [many[3]])
    }
}
