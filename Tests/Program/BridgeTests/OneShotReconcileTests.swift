import Deliveries
import DirectoryDelivery
import Foundation
import IstioAPI
import Logging
import Planning
import Sandbox
import Synchronization
import Testing

@testable import Bridge

@Suite("a one-shot reconcile", .timeLimit(.minutes(1)))
struct OneShotReconcileTests {
    /// A delivery whose other side holds nothing that can be read back.
    private struct Stateless: Delivery, DeliverySettings {
        let name = "stateless"
        let namespace: String? = nil

        func memory(instance: String) -> DeliveryMemory { .objects }
        func delivery(_ context: DeliveryContext) -> any Delivery { self }
        func run(desired: any DesiredState) async {}
        func changed(_ keys: [ResourceKey]) {}
        func report(limit: Int) -> DeliveryReport { DeliveryReport() }
    }

    @Test("a delivery without state is skipped, and named; the others are planned and carried out")
    func stateless() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("isthmus-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withZooKeeperServer { registry in
            try await registry.makePath("/dubbo")
            try await registry.register("com.acme.Orders", 1)
            try await registry.makePath(
                "/dubbo/com.acme.Odd/providers/rest2%3A%2F%2F10.0.0.1%3A8081%2Fcom.acme.Odd")
            var configuration = try BridgeConfiguration(
                yaml: """
                    registries:
                      - name: zk
                        zookeeper: { servers: ["\(try await registry.address)"] }
                    translation: { namespace: dubbo, outlierDetection: off }
                    delivery: { directory: { path: "\(folder)" } }

                    """, file: "test")
            configuration.deliveries.append(Stateless())
            let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let reconcile = try await OneShotReconcile.take(configuration, within: .seconds(30), logger: silent)
            #expect(reconcile.skipped == ["stateless"])
            #expect(
                reconcile.leftOut.map(\.description) == [
                    "registry 'zk': registrations of the protocol 'rest2': 1 (com.acme.Odd): this protocol is not carried"
                ])
            #expect(reconcile.warnings == [])
            #expect(Set(reconcile.items.map(\.delivery)) == ["directory"])
            let attempts = Mutex<[Attempt]>([])
            await reconcile.apply { _, attempt in attempts.withLock { $0.append(attempt) } }
            #expect(attempts.withLock { $0 } == [.done(.created(.full([.appears])))])
            await reconcile.end()
        }
    }
}
