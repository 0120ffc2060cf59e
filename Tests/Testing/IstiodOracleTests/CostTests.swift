import IstioAPI
import IstiodOracle
import JSON
import Testing

/// `cost.txt` is what size costs. The oracle says what is sent: bytes follow from that. Not modelled: time, memory, and
/// the Sidecar objects of the block "a client whose Sidecar imports ten of them".
@Suite("what size costs, as a real istiod sent it")
struct CostTests {
    private struct Row {
        var change: String
        var bytes: Int
    }

    private static func view(services: Int, endpoints: Int, entries: Int = 1) -> SidecarView {
        let all = (0..<endpoints).map { JSONValue.endpoint("10.\($0 / 65_536).\($0 / 256 % 256).\($0 % 256)") }
        let size = endpoints / entries
        var objects: [ConfigObject] = []
        for service in 0..<services {
            for entry in 0..<entries {
                objects.append(
                    .entry(
                        "s-\(service)-\(entry)", host: "s-\(service).mesh", address: "240.1.0.\(service)",
                        endpoints: Array(all[(entry * size)..<((entry + 1) * size)])))
            }
        }
        return Istiod(objects).sidecarView(of: "shop")
    }

    private static func number(_ text: String, after word: String) -> Int? {
        guard let range = text.firstRange(of: word) else { return nil }
        return Int(text[range.upperBound...].drop { $0 == " " }.prefix { $0.isNumber })
    }

    private static func first(_ text: some StringProtocol) -> Int? {
        Int(text.drop { !$0.isNumber }.prefix { $0.isNumber })
    }

    @Test("a change of endpoints sends the endpoints of one service, about 90 bytes each")
    func endpoints() throws {
        var size: Int?
        var rows = 0
        for line in try Recording.lines("cost.txt") {
            if !line.hasPrefix(" ") {
                // Such as "1000 services x 5 inline endpoints", "500 services x 4, we" or "one service of 1000
                // WorkloadEntries".
                size = Self.number(line, after: " services x ") ?? Self.number(line, after: "one service of ")
                if line.contains("Sidecar") { size = nil }
                continue
            }
            guard let bytes = Self.number(line, after: "bytes"), let count = Self.endpoints(line) ?? size else {
                continue
            }
            if line.contains("a new service") { continue }
            rows += 1
            let entries = Self.number(line, after: " endpoints in ") ?? 1
            let added = line.contains("added") ? 1 : 0
            let view = Self.view(services: 1, endpoints: count, entries: entries)
            let sent = (view.clusters.values.first?.endpoints.count ?? 0) + added
            #expect(view.clusters.count == 1 && sent == count + added)
            #expect((80...100).contains(bytes / sent), "\(line)")
        }
        #expect(rows == 16)
        let before = ConfigObject.entry(endpoints: [.endpoint("10.1.0.1")])
        let after = ConfigObject.entry(endpoints: [.endpoint("10.1.0.1"), .endpoint("10.1.0.2")])
        #expect(IstiodPush.serviceEntry(from: before, to: after) == .endpointsOnly)
    }

    /// "the weight of one of 100 inline endpoints", "4000 endpoints in 4 entries: …".
    private static func endpoints(_ line: String) -> Int? {
        number(line, after: "the weight of one of ") ?? (line.contains(" endpoints in ") ? first(line) : nil)
    }

    @Test("a new service sends every cluster, listener and name again")
    func newService() throws {
        var services = 0
        var perService: [Int] = []
        for line in try Recording.lines("cost.txt") {
            if line.contains("inline endpoints: istiod") { services = Self.first(line) ?? 0 }
            if line.contains("a new service  "), let bytes = Self.number(line, after: "bytes") {
                perService.append(bytes / services)
            }
        }
        #expect(perService == [1268, 1268, 1268])
        let push = IstiodPush.serviceEntry(from: nil, to: .entry(endpoints: []))
        #expect(push.contents == Set(IstiodPush.Content.allCases))
        for count in [1, 10, 100] {
            let view = Self.view(services: count, endpoints: 5)
            #expect([view.clusters.count, view.listeners.count, view.names.count] == [count, count, count])
        }
    }
}
