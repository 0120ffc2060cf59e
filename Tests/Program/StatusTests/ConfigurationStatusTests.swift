import Status
import Testing

@Suite("The status of what operators publish")
struct ConfigurationStatusTests {
    private static let status = BridgeStatus(
        instance: "main", version: "1", uptime: .seconds(60), isReady: true, registries: [], deliveries: [],
        configurations: [
            ConfigurationStatus(
                name: "ops", health: .stale, reason: "refused", lastGood: .seconds(30), documents: 3, objects: 7,
                problems: Excerpt([.init(document: "MESH/a.yaml", reason: "it is not YAML")], limit: 10),
                held: Excerpt(["VirtualService shop/a"], limit: 10), heldFor: .seconds(20))
        ])

    @Test("it is told in words: health, problems by document, and what is held with the way to let it go")
    func text() {
        let text = Self.status.text()
        for part in [
            "ops", "stale: refused", "MESH/a.yaml: it is not YAML", "VirtualService shop/a", "isthmus release ops",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(Self.status.releasable == ["ops"])
    }

    @Test("programs read what was written, and a bridge without configurations says nothing of them")
    func coding() throws {
        let read = try BridgeStatus(decoding: try Self.status.encoded())
        #expect(read.configurations == Self.status.configurations)
        let other = BridgeStatus(
            instance: "main", version: "1", uptime: .zero, isReady: true, registries: [], deliveries: [])
        let document = String(decoding: try other.encoded(), as: UTF8.self)
        #expect(!document.contains("configurations") && !other.text().contains("CONFIGURATION"))
    }
}
