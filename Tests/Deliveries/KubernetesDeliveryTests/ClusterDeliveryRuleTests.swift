import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import Kubernetes
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery of DestinationRules to a cluster", .timeLimit(.minutes(1)))
struct ClusterDeliveryRuleTests {
    private static let key = ResourceKey(.destinationRule, namespace: World.namespace, name: "isthmus-main")

    private static let rule = DestinationRule(
        key: key, labels: World.ownership.labels, host: "*.mesh",
        trafficPolicy: .init(
            outlierDetection: .init(splitsLocalErrors: true, consecutiveLocalFailures: 2), usesLocality: false))

    private func withDelivery(
        rootNamespace: String = ClusterDelivery.standardRootNamespace,
        _ body: @Sendable (World, ClusterDelivery) async throws -> Void
    ) async throws {
        try await World.run { world in
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery(rootNamespace: rootNamespace) { delivery in try await body(world, delivery) }
        }
    }

    @Test("it is written, changed and removed like everything else")
    func life() async throws {
        try await withDelivery { world, delivery in
            try await world.wait(forRule: Self.rule)
            var other = Self.rule
            other.trafficPolicy?.outlierDetection?.consecutiveLocalFailures = 5
            world.wish(.destinationRule(other), of: delivery)
            try await world.wait(forRule: other)
            #expect(try await delivery.owned().map(\.key) == [Self.key])
            world.wishes[Self.key] = .absent
            delivery.changed([Self.key])
            try await world.server.wait { $0.ruleSpec(Self.key) == nil }
            await world.wishes.wait { $0.last?.outcome == .deleted(.full([.rule])) }
        }
    }

    @Test("a rule of an earlier configuration is found at the start, and goes")
    func leftover() async throws {
        try await World.run { world in
            try await world.create(Self.rule)
            world.wishes[Self.key] = .absent
            try await world.withDelivery { _ in
                try await world.server.wait { $0.ruleSpec(Self.key) == nil }
            }
        }
    }

    @Test("somebody else's rule of that name stays as it is, and the status names it")
    func foreign() async throws {
        try await World.run { world in
            let foreign = DestinationRule(key: Self.key, host: "*.shop", trafficPolicy: Self.rule.trafficPolicy)
            try await world.create(foreign)
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery { delivery in
                try await delivery.waitForFailures(1)
                let reason = delivery.report(limit: 1).failures.first?.reason
                #expect(reason?.contains("exists and is not ours") == true)
                #expect(await world.server.store.ruleSpec(Self.key) == foreign.spec)
                let plan = await delivery.plan(Self.key, wanted: .destinationRule(Self.rule), held: nil)
                #expect(plan == .conflict(reason: reason ?? ""))
            }
        }
    }

    @Test(
        "a rule of the root namespace for these hosts is not hidden: ours is not written, and says why",
        arguments: ["*.mesh", "*", "*.orders.mesh", "com.acme.cart.mesh"])
    func hiding(host: String) async throws {
        try await World.run(namespaces: ["istio-system"]) { world in
            let root = DestinationRule(
                key: .init(.destinationRule, namespace: "istio-system", name: "all"), host: host,
                trafficPolicy: .init(maximumConnections: 77))
            try await world.create(root)
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await delivery.waitForFailures(1)
                let failure = delivery.report(limit: 1).failures.first
                #expect(failure?.key == Self.key && failure?.reason.contains("'\(host)'") == true)
                #expect(await world.server.store.ruleSpec(Self.key) == nil)
                let plan = await delivery.plan(Self.key, wanted: .destinationRule(Self.rule), held: nil)
                #expect(plan == .conflict(reason: failure?.reason ?? ""))
            }
        }
    }

    @Test("ours goes when a rule of the root namespace comes, and comes back when that one goes")
    func rootRuleComes() async throws {
        try await World.run(namespaces: ["istio-system"]) { world in
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery { delivery in
                try await world.wait(forRule: Self.rule)
                let root = ResourceKey(.destinationRule, namespace: "istio-system", name: "all")
                try await world.create(
                    DestinationRule(key: root, host: "*.mesh", trafficPolicy: .init(maximumConnections: 77)))
                try await world.server.wait { $0.ruleSpec(Self.key) == nil }
                try await delivery.waitForFailures(1)
                try await world.deleteRule(root)
                try await world.wait(forRule: Self.rule)
                try await delivery.waitForFailures(0)
            }
        }
    }

    @Test("ours is put right when somebody changes or deletes it")
    func repaired() async throws {
        try await withDelivery { world, _ in
            try await world.wait(forRule: Self.rule)
            try await world.deleteRule(Self.key)
            await world.wishes.wait { $0.count == 2 }
            try await world.wait(forRule: Self.rule)
        }
    }

    @Test("where services stand in the root namespace, our own rule is not taken for somebody else's")
    func inRootNamespace() async throws {
        try await withDelivery(rootNamespace: World.namespace) { world, delivery in
            try await world.wait(forRule: Self.rule)
            try await delivery.settle()
            await delivery.compareEverything()
            try await delivery.settle()
            #expect(await world.server.store.ruleSpec(Self.key) == Self.rule.spec)
            #expect(delivery.report(limit: 1).failureCount == 0)
            let plan = await delivery.plan(Self.key, wanted: .destinationRule(Self.rule), held: nil)
            #expect(plan == .none)
        }
    }

    @Test("rules that can't be read for a reason that may pass are not taken for none: there is no plan")
    func unreadable() async throws {
        try await World.run { world in
            try await world.create(Self.rule)
            await world.server.inject(
                .respond(status: 400), times: .max, where: { $0.verb == .list && $0.resource == "destinationrules" })
            try await world.withDelivery { delivery in
                await #expect(throws: KubernetesError.self) { try await delivery.owned() }
            }
        }
    }

    @Test("rules of other hosts in the root namespace don't matter")
    func otherHosts() async throws {
        try await World.run(namespaces: ["istio-system"]) { world in
            try await world.create(
                DestinationRule(
                    key: .init(.destinationRule, namespace: "istio-system", name: "all"), host: "*.local",
                    trafficPolicy: .init(maximumConnections: 77)))
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery { _ in try await world.wait(forRule: Self.rule) }
        }
    }

    @Test("without a permission the bridge says which one is missing, and goes on")
    func forbidden() async throws {
        try await World.run { world in
            await world.server.inject(
                .respond(status: 403), times: .max, where: { $0.resource == "destinationrules" })
            world.wishes[Self.key] = .present(.destinationRule(Self.rule))
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await delivery.waitForFailures(1)
                let report = delivery.report(limit: 1)
                #expect(report.failures.first?.reason.contains("destinationrules.networking.istio.io") == true)
                #expect(report.condition == nil)
            }
        }
    }
}

extension World {
    fileprivate func create(_ rule: DestinationRule) async throws {
        try await server.perform(
            ResourceStore.Request(
                .create, .destinationRule, namespace: rule.key.namespace,
                body: Resource.destinationRule(rule).json(version: "v1")))
    }

    fileprivate func deleteRule(_ key: ResourceKey) async throws {
        try await server.perform(
            ResourceStore.Request(.delete, .destinationRule, namespace: key.namespace, name: key.name))
    }

    fileprivate func wish(_ resource: Resource, of delivery: ClusterDelivery) {
        wishes[resource.key] = .present(resource)
        delivery.changed([resource.key])
    }

    fileprivate func wait(forRule rule: DestinationRule) async throws {
        try await server.wait { $0.ruleSpec(rule.key) == rule.spec }
    }
}

extension ResourceStore {
    fileprivate func ruleSpec(_ key: ResourceKey) -> JSONValue? {
        object(.destinationRule, namespace: key.namespace, name: key.name)?["spec"]
    }
}
