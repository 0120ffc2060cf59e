import Deliveries
import IsthmusTesting
import Kubernetes
import Logging
import Sandbox
import Testing

@testable import KubernetesDelivery

@Suite("the domain of the hosts and the namespaces of the cluster", .timeLimit(.minutes(1)))
struct DomainCheckTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func run(domain: String, _ body: @Sendable (World, DomainCheck?, ManualClock) async throws -> Void)
        async throws
    {
        try await World.run { world in
            let client = try KubernetesClient(
                ClusterConfiguration(server: try await world.server.address.url), userAgent: "test",
                logger: Self.silent)
            let clock = ManualClock()
            let check = DomainCheck(domain: domain, client: client, logger: Self.silent, clock: clock)
            await withDiscardingTaskGroup { group in
                group.addTask { await check?.run() }
                do {
                    try await body(world, check, clock)
                } catch {
                    Issue.record(error)
                }
                group.cancelAll()
            }
            await client.shutdown()
        }
    }

    @Test("a domain that is a namespace is named, until the namespace is gone")
    func namespace() async throws {
        try await run(domain: World.namespace) { world, check, clock in
            await clock.someoneSleeps()
            #expect(check?.condition?.reason.contains("'orders.dubbo' is the Service 'orders' there") == true)
            try await world.server.perform(
                ResourceStore.Request(.delete, .namespace, namespace: nil, name: World.namespace))
            clock.advance(by: .seconds(600))
            try await yield(while: check?.condition != nil)
        }
    }

    @Test("any other domain is fine, and one with a dot is no namespace")
    func other() async throws {
        try await run(domain: "mesh") { _, check, clock in
            await clock.someoneSleeps()
            #expect(check != nil && check?.condition == nil)
        }
        for domain in ["", "rpc.example"] {
            try await run(domain: domain) { _, check, _ in #expect(check == nil) }
        }
    }
}
