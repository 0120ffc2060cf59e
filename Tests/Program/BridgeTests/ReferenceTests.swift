import Bridge
import Foundation
import IsthmusTesting
import Testing

@Suite("The reference of the configuration")
struct ReferenceTests {
    @Test("docs/configuration.md has the table that 'isthmus reference' prints")
    func documentation() throws {
        let root = URL(filePath: ServerTools.packageRoot)
        let text = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let parts = text.components(separatedBy: "<!-- reference -->\n")
        try #require(parts.count == 3, "the table stands between two markers")
        #expect(parts[1] == BridgeConfiguration.reference, "renew it with 'isthmus reference'")
    }

    @Test("every row has four cells, and no key stands there twice")
    func table() {
        let rows = BridgeConfiguration.reference.split(separator: "\n").dropFirst(2)
        #expect(
            rows.allSatisfy {
                $0.hasPrefix("| `") && $0.split(separator: "|", omittingEmptySubsequences: false).count == 6
            })
        let keys = rows.compactMap { $0.split(separator: "|").first }
        #expect(Set(keys).count == keys.count)
        #expect(keys.contains(" `registries[].zookeeper.servers` "))
        #expect(keys.contains(" `delivery.directory.path` "))
    }
}
