import Deliveries
import Foundation
import IsthmusTesting
import IstioAPI
import IstiodOracle
import JSON
import Planning
import Sandbox
import Synchronization
import Testing

@testable import KubernetesDelivery

@Suite("fault 30: a delivery, and hosts that others have", .timeLimit(.minutes(1)))
struct ClusterDeliveryHostTests {
    private static let namespaces = ["shop", "cart"]
    private static let scope = HostScope(domain: "example", namespace: World.namespace)

    /// Each object is a second younger than the one before it.
    private func run(
        _ scope: HostScope = Self.scope, namespaces: [String] = Self.namespaces, usesWorkloads: Bool = false,
        before: @Sendable (World) async throws -> Void = { _ in },
        _ body: @Sendable (World, ClusterDelivery) async throws -> Void
    ) async throws {
        let time = Time()
        try await World.run(namespaces: namespaces, now: { time.next() }) { world in
            try await before(world)
            try await world.withDelivery(usesWorkloads: usesWorkloads, hosts: scope) { delivery in
                try await body(world, delivery)
            }
        }
    }

    @Test("an older entry of another namespace: ours waits, both are named, and ours comes when the other goes")
    func theirsFirst() async throws {
        try await run(before: { world in
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
        }) { world, delivery in
            world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
            try await world.wait(for: .sample("b", 1))
            let reason = try await delivery.waitForTakenHost()
            #expect(
                reason
                    == "ServiceEntry shop/theirs has the host 'a.example': ServiceEntry dubbo/a is not created, since "
                    + "istiod joins no two objects of a host; istiod sends calls to ServiceEntry shop/theirs; ours comes "
                    + "when that object is gone")
            #expect(await world.calls(of: "a", from: "cart") == ["10.0.0.9:20880"])
            #expect(await world.server.requestCounts[.create, "serviceentries"] == 1)
            try await world.delete("theirs", in: "shop")
            try await world.wait(for: .sample("a", 1))
            try await delivery.waitForFailures(0)
            #expect(await world.calls(of: "a", from: "cart") == ["10.0.0.1:20880"])
        }
    }

    @Test("an entry that comes later: ours goes on being updated, and the status says who wins")
    func oursFirst() async throws {
        try await run { world, delivery in
            world.wish(.sample("a", 1), of: delivery)
            try await world.wait(for: .sample("a", 1))
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            let reason = try await delivery.waitForTakenHost()
            #expect(
                reason
                    == "ServiceEntry shop/theirs has the host 'a.example', as ServiceEntry dubbo/a does: istiod takes "
                    + "ServiceEntry dubbo/a, which is older, but for clients of namespace 'shop', which get their own; "
                    + "remove one of them")
            world.wish(.sample("a", 1, 2), of: delivery)
            try await world.wait(for: .sample("a", 1, 2))
            #expect(delivery.report(limit: 1).failures.first?.reason == reason)
            // The oracle agrees with what is said.
            #expect(await world.calls(of: "a", from: "cart") == ["10.0.0.1:20880", "10.0.0.2:20880"])
            #expect(await world.calls(of: "a", from: "shop") == ["10.0.0.9:20880"])
            world.wish(absent: "a", of: delivery)
            try await world.waitUntilGone("a")
            try await delivery.waitForFailures(0)
        }
    }

    @Test("an older entry that ours stands beside wins, and is named so")
    func olderThanStanding() async throws {
        try await run(before: { world in
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            try await world.create(.sample("a", 1), labels: World.ownership.labels)
        }) { world, delivery in
            world.wish(.sample("a", 1, 2), of: delivery)
            try await world.wait(for: .sample("a", 1, 2))
            let reason = try await delivery.waitForTakenHost()
            #expect(
                reason.contains(
                    "istiod takes ServiceEntry shop/theirs, which is older, but for clients of namespace 'dubbo'"))
            #expect(await world.calls(of: "a", from: "cart") == ["10.0.0.9:20880"])
            #expect(await world.calls(of: "a", from: "dubbo") == ["10.0.0.1:20880", "10.0.0.2:20880"])
        }
    }

    @Test("an entry of our own namespace, seen by nobody or not: ours waits, and no call is lost")
    func sameNamespace() async throws {
        for exportTo in [[], ["~"]] {
            var theirs = ServiceEntry.sample("a", 9)
            theirs.exportTo = exportTo
            let entry = theirs
            try await run(before: { world in
                try await world.create(foreign: entry, in: World.namespace, as: "theirs")
            }) { world, delivery in
                world.wish(.sample("a", 1), of: delivery)
                #expect(try await delivery.waitForTakenHost().hasPrefix("ServiceEntry dubbo/theirs has the host"))
                #expect(await world.istiod.view(from: "shop", through: .sidecar).blackHoles == [])
                try await world.delete("theirs", in: World.namespace)
                try await world.wait(for: .sample("a", 1))
            }
        }
    }

    @Test("two entries of our namespace: the younger one's calls are lost, and the status says which one that is")
    func sameNamespaceLater() async throws {
        try await run { world, delivery in
            world.wish(.sample("a", 1), of: delivery)
            try await world.wait(for: .sample("a", 1))
            try await world.create(foreign: .sample("a", 9), in: World.namespace, as: "theirs")
            let reason = try await delivery.waitForTakenHost()
            #expect(reason.contains("istiod takes ServiceEntry dubbo/a, which is older; remove one of them"))
        }
    }

    @Test("an entry whose exportTo doesn't meet ours is no reason to wait, until it changes")
    func exports() async throws {
        var theirs = ServiceEntry.sample("a", 9)
        theirs.exportTo = ["~"]
        let entry = theirs
        try await run(before: { world in
            try await world.create(foreign: entry, in: "shop", as: "theirs")
        }) { world, delivery in
            world.wish(.sample("a", 1), of: delivery)
            try await world.wait(for: .sample("a", 1))
            #expect(delivery.report(limit: 1).failureCount == 0)
            for client in ["cart", "shop"] { #expect(await world.calls(of: "a", from: client) == ["10.0.0.1:20880"]) }
            try await world.patch("theirs", in: "shop", ["spec": ["exportTo": ["*"]]])
            _ = try await delivery.waitForTakenHost()
        }
    }

    @Test("another entry that gives up the host, or comes to see us no more, lets ours come")
    func theirsChanges() async throws {
        for patch: JSONValue in [["spec": ["hosts": ["b.example"]]], ["spec": ["exportTo": ["~"]]]] {
            try await run(before: { world in
                try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            }) { world, delivery in
                world.wish(.sample("a", 1), of: delivery)
                _ = try await delivery.waitForTakenHost()
                try await world.patch("theirs", in: "shop", patch)
                try await world.wait(for: .sample("a", 1))
                try await delivery.waitForFailures(0)
            }
        }
    }

    @Test("another installation, and our own former namespace, are named as what they are")
    func installations() async throws {
        try await run(before: { world in
            var labels = World.ownership.labels
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "a", labels: labels)
            labels["isthmus.mesh/instance"] = "east"
            try await world.create(foreign: .sample("b", 9), in: World.namespace, as: "b-east", labels: labels)
        }) { world, delivery in
            world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
            try await delivery.waitForFailures(2)
            let reasons = delivery.report(limit: 2).failures.sorted { $0.key < $1.key }.map(\.reason)
            #expect(reasons.first?.contains("shop/a has the host 'a.example' (it is of this installation") == true)
            #expect(reasons.last?.contains("dubbo/b-east has the host 'b.example' (it is of the inst") == true)
            #expect(reasons.last?.contains("of the installation 'east')") == true)
            #expect(await world.server.requestCounts[.create, "serviceentries"] == 0)
        }
    }

    @Test("without the permission for other namespaces ours is created, the note says so, and our own is looked at")
    func forbidden() async throws {
        try await run(before: { world in
            await world.server.inject(
                .respond(status: 403), times: .max,
                where: { $0.resource == "serviceentries" && $0.namespace == nil })
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            try await world.create(foreign: .sample("b", 9), in: World.namespace, as: "theirs")
        }) { world, delivery in
            world.wish(.sample("a", 1), .sample("b", 1), of: delivery)
            try await world.wait(for: .sample("a", 1))
            let reason = try await delivery.waitForTakenHost()
            #expect(reason.hasPrefix("ServiceEntry dubbo/theirs has the host 'b.example'"))
            let report = delivery.report(limit: 0)
            #expect(report.condition == nil)
            #expect(
                report.notes.contains {
                    $0.hasPrefix("ServiceEntries of other namespaces can't be followed")
                        && $0.hasSuffix("list and watch on serviceentries.networking.istio.io in all namespaces")
                })
            // Who gets the permission later learns of the conflict then.
            await world.server.removeFaults()
            try await delivery.waitForFailures(2)
            try await yield(while: !delivery.report(limit: 0).notes.isEmpty)
        }
    }

    @Test("a list that fails is no answer: ours waits for the next one, and updates don't")
    func failingList() async throws {
        let open = Mutex(false)
        try await run(before: { world in
            await world.server.inject(
                .respond(status: 500), times: 3,
                where: { $0.resource == "serviceentries" && $0.namespace == nil && $0.verb == .list })
            try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            try await world.create(.sample("b", 1), labels: World.ownership.labels)
        }) { world, delivery in
            world.wish(.sample("a", 1), .sample("b", 1, 2), .sample("c", 1), of: delivery)
            try await world.wait(for: .sample("b", 1, 2))
            #expect(await world.server.store.spec("c") == nil)
            try await world.wait(for: .sample("c", 1))
            _ = try await delivery.waitForTakenHost()
            #expect(await world.server.store.spec("a") == nil)
            open.withLock { $0 = true }
        }
        #expect(open.withLock { $0 })
    }

    @Test("the domain is a namespace of the cluster: nothing new comes, what stands goes on, and all comes at its end")
    func domain() async throws {
        try await run(
            namespaces: ["example"],
            before: { world in
                try await world.create(.sample("b", 1), labels: World.ownership.labels)
            }
        ) { world, delivery in
            world.wish(.sample("a", 1), .sample("b", 1, 2), of: delivery)
            try await world.wait(for: .sample("b", 1, 2))
            try await delivery.waitForFailures(2)
            let report = delivery.report(limit: 2)
            #expect(report.condition?.reason.contains("'example' is a namespace of this cluster") == true)
            let reason = report.failures.first { $0.key == .in("a") }?.reason
            #expect(reason?.contains("ServiceEntry dubbo/a is not created; choose another translation.domain") == true)
            try await world.server.perform(
                ResourceStore.Request(.create, .service, namespace: "example", body: Self.service("a")))
            try await yield(
                while: delivery.report(limit: 2).failures.contains {
                    $0.reason.hasPrefix("Service example/a (and 1 more) has the host 'a.example'")
                } == false)
            try await world.server.perform(
                ResourceStore.Request(.delete, .service, namespace: "example", name: "a"))
            try await world.server.perform(ResourceStore.Request(.delete, .namespace, name: "example"))
            try await world.wait(for: .sample("a", 1))
            try await delivery.waitForFailures(0)
            #expect(delivery.report(limit: 0).condition == nil)
        }
    }

    @Test("without a domain, a Service whose short name is the host keeps it")
    func service() async throws {
        try await run(
            HostScope(domain: "", namespace: World.namespace),
            before: { world in
                try await world.server.perform(
                    ResourceStore.Request(.create, .service, namespace: "shop", body: Self.service("orders")))
            }
        ) { world, delivery in
            var entry = ServiceEntry.sample("orders.shop", 1)
            entry.hosts = ["orders.shop"]
            world.wish(entry, of: delivery)
            let reason = try await delivery.waitForTakenHost()
            #expect(reason.hasPrefix("Service shop/orders has the host 'orders.shop': ServiceEntry dubbo/orders.shop"))
            #expect(reason.contains("istiod takes the Service"))
            try await world.server.perform(ResourceStore.Request(.delete, .service, namespace: "shop", name: "orders"))
            try await world.wait(for: entry)
        }
    }

    @Test("endpoints that are objects of their own wait with their service, and come with it")
    func workloads() async throws {
        var entry = ServiceEntry.sample("a", 1, 2)
        entry.workloadSelector = ServiceEntry.selector(forEntry: "a")
        let service = entry
        try await run(
            usesWorkloads: true,
            before: { world in
                try await world.create(foreign: .sample("a", 9), in: "shop", as: "theirs")
            }
        ) { world, delivery in
            for endpoint in service.endpoints {
                let workload = service.workload(of: endpoint)
                world.wishes[workload.key] = .present(.workloadEntry(workload))
                delivery.changed([workload.key])
            }
            world.wish(service, of: delivery)
            _ = try await delivery.waitForTakenHost()
            try await delivery.settle()
            #expect(await world.server.requestCounts.writes == 0)
            try await world.delete("theirs", in: "shop")
            try await world.server.wait { $0.keys(.workloadEntry).count == 2 && $0.spec("a") != nil }
        }
    }

    @Test("a plan creates nothing beside somebody's host, and names what stands beside one")
    func plan() async throws {
        let time = Time()
        try await World.run(namespaces: Self.namespaces, now: { time.next() }) { world in
            for name in ["a", "b", "c"] { try await world.create(foreign: .sample(name, 9), in: "shop", as: name) }
            for name in ["b", "c"] { try await world.create(.sample(name, 1), labels: World.ownership.labels) }
            try await world.withIdleDelivery(hosts: Self.scope) { delivery in
                let held = Dictionary(uniqueKeysWithValues: try await delivery.owned().map { ($0.key, $0) })
                func plan(_ name: String, _ endpoints: Int...) async -> Change {
                    var entry = ServiceEntry.sample(name, 1)
                    entry.endpoints += endpoints.map { .init(address: "10.0.0.\($0)", ports: ["tcp-dubbo": 20880]) }
                    return await delivery.plan(entry.key, wanted: .serviceEntry(entry), held: held[entry.key])
                }
                guard case .conflict(let reason) = await plan("a") else { throw TestSupportError("a is created") }
                #expect(reason.hasPrefix("ServiceEntry shop/a has the host 'a.example': ServiceEntry dubbo/a is not"))
                guard case .conflict(let standing) = await plan("b") else { throw TestSupportError("b is not named") }
                #expect(standing.contains("istiod takes ServiceEntry shop/b, which is older"))
                guard case .patch = await plan("c", 2) else { throw TestSupportError("c is not updated") }
                #expect(await delivery.warning(about: .in("c"))?.contains("shop/c, which is older") == true)
                guard case .create = await plan("d") else { throw TestSupportError("d is not created") }
                #expect(await delivery.warning(about: .in("d")) == nil)
            }
        }
    }

    @Test("a plan that can't see whether a host is taken creates nothing, where that is no matter of permissions")
    func blindPlan() async throws {
        for (status, isCreated) in [(500, false), (403, true)] {
            try await World.run { world in
                await world.server.inject(
                    .respond(status: status), times: .max,
                    where: { $0.resource == "serviceentries" && $0.namespace == nil })
                try await world.withIdleDelivery(hosts: Self.scope) { delivery in
                    let entry = Resource.serviceEntry(.sample("a", 1))
                    let change = await delivery.plan(entry.key, wanted: entry, held: nil)
                    let creates = if case .create = change { true } else { false }
                    #expect(creates == isCreated)
                    #expect(delivery.report(limit: 0).notes.count == 1)
                }
            }
        }
    }

    private static func service(_ name: String) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["clusterIP": "10.96.0.7", "ports": [["port": 80]]],
        ]
    }
}

/// Each look at it is a second later than the one before.
private final class Time: Sendable {
    private let seconds = Atomic(1_780_000_000)

    func next() -> Date { Date(timeIntervalSince1970: TimeInterval(seconds.add(1, ordering: .relaxed).newValue)) }
}

extension ClusterDelivery {
    /// Why the first resource is not there, or not alone.
    fileprivate func waitForTakenHost() async throws -> String {
        try await yield(while: !report(limit: 1).failures.contains { $0.kind == .hostTaken })
        return report(limit: 1).failures.first?.reason ?? ""
    }
}

extension World {
    fileprivate func create(
        foreign entry: ServiceEntry, in namespace: String, as name: String, labels: [String: String] = [:]
    ) async throws {
        var entry = entry
        entry.key = ResourceKey(namespace: namespace, name: name)
        entry.labels = labels
        try await server.perform(
            ResourceStore.Request(
                .create, .serviceEntry, namespace: namespace,
                body: Resource.serviceEntry(entry).json(version: "v1")))
    }

    fileprivate func delete(_ name: String, in namespace: String) async throws {
        try await server.perform(ResourceStore.Request(.delete, .serviceEntry, namespace: namespace, name: name))
    }

    fileprivate func patch(_ name: String, in namespace: String, _ patch: JSONValue) async throws {
        try await server.perform(
            ResourceStore.Request(.patch, .serviceEntry, namespace: namespace, name: name, body: patch))
    }

    /// What istiod makes of the cluster.
    fileprivate var istiod: Istiod {
        get async {
            let store = await server.store
            return Istiod(
                store.keys(.serviceEntry).compactMap { key in
                    store.object(.serviceEntry, namespace: key.namespace, name: key.name)
                        .flatMap { ConfigObject(.object($0), kind: .serviceEntry) }
                })
        }
    }

    /// Where calls of a sample's host go.
    fileprivate func calls(of name: String, from client: String) async -> [String] {
        let host = await istiod.view(from: client, through: .sidecar).hosts["\(name).example"]
        return host?.endpoints[20880]?.map(\.description) ?? []
    }
}
