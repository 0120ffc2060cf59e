import IstioAPI
import IstiodOracle
import JSON
import Testing

/// `traffic.txt` is what calls through a real Envoy did. The oracle says which of them have a place to go, and how late
/// a sidecar learns of it; it doesn't model connections, retries and Envoy's outlier detection.
@Suite("what calls do, as a real Envoy did")
struct TrafficTests {
    private static let grpc: JSONValue = ["ports": [["number": 50051, "name": "tri", "protocol": "GRPC"]]]

    private static func view(_ objects: [ConfigObject]) -> SidecarView {
        var world = World()
        for object in objects { world.add(object) }
        return Istiod(world.objects).sidecarView(of: "shop")
    }

    private static func called(_ view: SidecarView) -> [String] {
        view.clusters.values.flatMap(\.endpoints).map { "\($0.address):\($0.port)" }.sorted()
    }

    private static func provider(_ port: Int64) -> JSONValue {
        ["address": "10.1.0.1", "ports": ["dubbo": .integer(port)]]
    }

    /// When a sidecar learns of one change, while other services of the mesh change so often a second, evenly.
    private static func delay(changes: Int) -> Duration {
        let change = Debounce.Write(at: .seconds(5))
        let others = changes == 0 ? [] : (0..<(20 * changes)).map { Debounce.Write(at: .seconds(1) * $0 / changes) }
        let writes = (others + [change]).sorted { $0.time < $1.time }
        let index = writes.firstIndex(of: change)
        let push = Debounce().pushes(after: writes).first { push in index.map(push.writes.contains) ?? false }
        return (push?.time ?? .zero) - change.time
    }

    @Test("every line of the recording")
    func lines() throws {
        let lines = try Recording.lines("traffic.txt")
        let numbers = lines.compactMap { line in
            line.prefix(2).contains { $0.isNumber } ? Int(line.prefix(2).drop { $0 == " " }) : nil
        }
        #expect(numbers == [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    }

    @Test("1, 3, 4, 5: providers come and go")
    func churn() {
        let two = Self.view([.entry(endpoints: [Self.provider(20880), Self.provider(20881)])])
        #expect(Self.called(two) == ["10.1.0.1:20880", "10.1.0.1:20881"])
        #expect(two.blackHoles.isEmpty)
        let one = Self.view([.entry(endpoints: [Self.provider(20881)])])
        #expect(Self.called(one) == ["10.1.0.1:20881"])
        // The cluster stays without endpoints, so that a call is reset at once instead of going elsewhere.
        let none = Self.view([.entry(endpoints: [])])
        #expect(none.clusters.count == 1 && none.blackHoles.isEmpty)
        #expect(none.listeners == two.listeners)
        // istiod pushes both within the half second.
        #expect(Self.delay(changes: 0) < .milliseconds(500))
    }

    @Test("6, 13: a dead provider that is registered is called; a rule for all bridged hosts ejects it")
    func killed() {
        let entry = ConfigObject.entry(endpoints: [Self.provider(20880), Self.provider(20881)])
        #expect(Self.called(Self.view([entry])).count == 2)
        let detection = DestinationRule.OutlierDetection(
            splitsLocalErrors: true, consecutiveLocalFailures: 2, interval: .seconds(1),
            baseEjectionTime: .seconds(10), maximumEjectionPercent: 50)
        let rule = DestinationRule(
            key: ResourceKey(.destinationRule, namespace: "dubbo", name: "isthmus-main"), host: "*.mesh",
            trafficPolicy: .init(outlierDetection: detection))
        let object = ConfigObject(.destinationRule(rule))
        let cluster = Self.view([entry, object]).clusters.values.first
        #expect(cluster?.policy?.outlierDetection == detection)
    }

    @Test("7, 8: of two entries of one host both ports answer, unless one of them has a selector")
    func twoEntries() {
        let inline = ConfigObject.entry(endpoints: [.endpoint("10.1.0.1")])
        let younger = ConfigObject.entry("b", endpoints: [.endpoint("10.1.0.3")], Self.grpc)
        #expect(Self.view([inline, younger]).blackHoles.isEmpty)
        let selecting = ConfigObject.entry(
            endpoints: [], ["endpoints": .null, "workloadSelector": ["labels": ["svc": "a"]]])
        #expect(
            Self.view([selecting, younger]).blackHoles == [
                .missingCluster("outbound|50051||com.acme.orders.mesh", namedBy: "route 50051")
            ])
    }

    @Test("9: one entry with two ports sends each endpoint the other port's traffic too")
    func twoPorts() {
        let ports: JSONValue = [
            "ports": [
                ["number": 20880, "name": "dubbo", "protocol": "TCP"],
                ["number": 50051, "name": "tri", "protocol": "TCP"],
            ]
        ]
        let endpoints: [JSONValue] = [
            ["address": "10.1.0.1", "ports": ["dubbo": 20880]], ["address": "10.1.0.3", "ports": ["tri": 50051]],
        ]
        let view = Self.view([.entry(endpoints: endpoints, ports)])
        #expect(
            view.blackHoles == [
                .unservedPort(cluster: "outbound|20880||com.acme.orders.mesh", endpoint: "10.1.0.3:20880"),
                .unservedPort(cluster: "outbound|50051||com.acme.orders.mesh", endpoint: "10.1.0.1:50051"),
            ])
        #expect(view.clusters.values.allSatisfy { $0.endpoints.count == 2 })
    }

    @Test("10: a TCP port without an address captures calls to other addresses")
    func everyAddress() {
        let view = Self.view([.entry(endpoints: [.endpoint("10.1.0.1")], ["addresses": .null])])
        #expect(
            view.blackHoles == [
                .everyAddress(listener: "0.0.0.0_20880", cluster: "outbound|20880||com.acme.orders.mesh")
            ])
    }

    @Test("11, 12: calls fail where a provider closes its port before sidecars have learnt that it goes")
    func drains() throws {
        let lines = try Recording.lines("traffic.txt")
        let start = try #require(lines.firstIndex { $0.hasPrefix("11 ") })
        let drains = lines[(start + 1)...].prefix { !$0.hasPrefix("12 ") }
        for line in drains {
            let seconds = try #require(Double(line.drop { $0 == " " }.prefix { $0 != " " }))
            let failures = try #require(Int(Self.word(before: "of 600", in: line)))
            #expect((failures > 0) == (Self.delay(changes: 0) > .seconds(seconds)), "\(line)")
        }
        let rates = lines[(start + drains.count + 2)...].prefix { !$0.hasPrefix("13 ") }
        for line in rates {
            let rate = try #require(Int(line.drop { $0 == " " }.prefix { $0 != " " }))
            let failures = try #require(Int(Self.word(before: "of 1500", in: line)))
            #expect((failures > 0) == (Self.delay(changes: rate) > .seconds(2)), "\(line)")
        }
        #expect(drains.count == 3 && rates.count == 3)
    }

    private static func word(before text: String, in line: String) -> String {
        let words = line.split(separator: " ")
        let next = text.split(separator: " ")
        let index = words.indices.first { words[$0...].starts(with: next) && $0 > 0 }
        return index.map { String(words[$0 - 1]) } ?? ""
    }
}
