import IsthmusTesting
import Kubernetes
import Logging
import Planning
import Sandbox
import Status
import Testing

@testable import Bridge
@testable import KubernetesDelivery

@Suite("what the status says of an election", .timeLimit(.minutes(1)))
struct ElectionStatusTests {
    @Test("a lease that may not be written keeps the delivery from working, and the status says so")
    func forbidden() async throws {
        try await withAPIServer(APIServer(namespaces: ["dubbo"])) { server in
            await server.inject(.respond(status: 403), times: .max) { $0.resource == "leases" }
            let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let client = try KubernetesClient(
                ClusterConfiguration(server: try await server.address.url), userAgent: "test", logger: silent)
            let election = try LeaderElection(
                client: client, configuration: .init(name: "isthmus", namespace: "dubbo"), logger: silent)
            let cluster = ClusterDelivery(
                name: "c", client: client, namespace: "dubbo", ownership: Ownership(labels: [:], annotationPrefix: ""),
                logger: silent)
            let delivery = ElectedDelivery(cluster, election: election)
            #expect(DeliveryStatus(delivery, isSeeded: true).condition == nil)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await election.run { _ in } }
                try await yield(while: election.interruption == nil)
                let status = DeliveryStatus(delivery, isSeeded: true)
                #expect(status.leadership == .standby(holder: nil))
                #expect(status.condition?.reason.contains("the lease can't be held") == true)
                group.cancelAll()
            }
            await client.shutdown()
        }
    }
}
