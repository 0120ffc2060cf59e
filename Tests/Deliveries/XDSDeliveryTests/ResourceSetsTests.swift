import IstioAPI
import IstioProtobuf
import NIOCore
import Testing
import XDSDelivery

@Suite("The sets that istiods get")
struct ResourceSetsTests {
    static func entry(_ name: String, endpoints: Int = 1) -> Resource {
        .serviceEntry(
            ServiceEntry(
                key: ResourceKey(namespace: "dubbo", name: name), labels: [:], annotations: [:],
                hosts: ["\(name).mesh"], addresses: ["240.16.0.1"],
                ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
                endpoints: (0..<endpoints).map { .init(address: "10.0.0.\($0)", ports: [:]) }))
    }

    static func names(_ set: ResourceSets.Encoded) throws -> [String] {
        let response = try DiscoveryResponse(bytes: Array(set.body.readableBytesView)[...])
        return try response.resources.map { try MCPResource(any: $0[...]).key.name }
    }

    @Test("a set has its objects in the order of their names, whatever came first")
    func order() throws {
        var (one, other) = (ResourceSets(), ResourceSets())
        for name in ["b", "a", "c"] { one.set(Self.entry(name), created: 1) }
        for name in ["c", "d", "b", "a"] { other.set(Self.entry(name), created: 1) }
        other.remove(Self.entry("d").key)
        #expect(try Self.names(one.encoded(.serviceEntry)) == ["a", "b", "c"])
        #expect(one.encoded(.serviceEntry).body == other.encoded(.serviceEntry).body)
        #expect(one.version(of: .serviceEntry) == other.version(of: .serviceEntry))
    }

    @Test("the version changes with any object, and comes back with it")
    func versions() {
        var sets = ResourceSets()
        sets.set(Self.entry("a"), created: 1)
        let version = sets.version(of: .serviceEntry)
        sets.set(Self.entry("a", endpoints: 2), created: 1)
        #expect(sets.version(of: .serviceEntry) != version)
        sets.set(Self.entry("a"), created: 9)
        #expect(sets.version(of: .serviceEntry) == version)
        sets.set(Self.entry("b"), created: 1)
        #expect(sets.version(of: .serviceEntry) != version)
        sets.remove(Self.entry("b").key)
        #expect(sets.version(of: .serviceEntry) == version)
        #expect(sets.version(of: .workloadEntry) == ResourceSets().version(of: .workloadEntry))
    }

    @Test("an object that goes and comes back between two sets stands there once")
    func comingBack() throws {
        var sets = ResourceSets()
        sets.set(Self.entry("a"), created: 1)
        sets.remove(Self.entry("a").key)
        sets.set(Self.entry("a"), created: 2)
        let set = sets.encoded(.serviceEntry)
        #expect(try Self.names(set) == ["a"])
        #expect(set.count == 1)
        #expect(sets.count(of: .serviceEntry) == 1)
    }

    @Test("the time of an object's making stays when the object changes")
    func created() throws {
        var sets = ResourceSets()
        sets.set(Self.entry("a"), created: 7)
        sets.set(Self.entry("a", endpoints: 2), created: 9)
        let response = try DiscoveryResponse(bytes: Array(sets.encoded(.serviceEntry).body.readableBytesView)[...])
        #expect(try response.resources.map { try MCPResource(any: $0[...]).created } == [7])
    }
}
