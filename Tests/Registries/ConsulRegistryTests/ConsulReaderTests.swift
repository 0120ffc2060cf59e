import Consul
import IsthmusTesting
import Settings
import Sources
import Testing

@testable import ConsulRegistry

@Suite("following a Consul", .timeLimit(.minutes(1)))
struct ConsulReaderTests {
    private static let dc2 = ConsulScope(datacenter: "dc2")

    @Test("services that come, change and go are shown without another full read")
    func life() async throws {
        try await FollowedConsul.run(preparing: { $0.set("cart", "10.0.0.1") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.set("cart", "10.0.0.1", "10.0.0.2")
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"]])
            scene.server.set("orders", "10.0.1.1")
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"], "http://orders": ["10.0.1.1"]])
            scene.server.set("cart")
            await scene.waitFor(["http://orders": ["10.0.1.1"]])
            // A name that comes back is found again.
            scene.server.set("cart", "10.0.0.3")
            await scene.waitFor(["http://cart": ["10.0.0.3"], "http://orders": ["10.0.1.1"]])
            #expect(scene.shown.value.reads == 1)
        }
    }

    @Test("maintenance, a failed check and a warning that is refused take an instance out, and its name stays")
    func states() async throws {
        var rules = ConsulDecoder.Rules()
        rules.servesWarning = false
        try await FollowedConsul.run(rules: rules, preparing: { $0.set("cart", "10.0.0.1", "10.0.0.2") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"]])
            for status in [ConsulInstance.Status.maintenance, .critical, .warning] {
                var changed = FakeConsul.instance(of: "cart", "10.0.0.2")
                changed.status = status
                scene.server.set("cart", [FakeConsul.instance(of: "cart", "10.0.0.1"), changed])
                await scene.waitFor(["http://cart": ["10.0.0.1"]])
                scene.server.set("cart", "10.0.0.1", "10.0.0.2")
                await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"]])
            }
        }
    }

    @Test("Consul's own service, management ports and excluded names are left out")
    func selection() async throws {
        var management = FakeConsul.instance(of: "cart-management", "10.0.0.1", 81)
        management.tags = ["management"]
        let filter = NameFilter(excluded: ["*-internal"])
        try await FollowedConsul.run(
            services: filter,
            preparing: { [management] server in
                server.set("cart", "10.0.0.1")
                server.set("cart-management", [management])
                server.set("pay-internal", "10.0.0.2")
            }
        ) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("services of one name in two datacenters are told apart")
    func datacenters() async throws {
        var rules = ConsulDecoder.Rules()
        rules.hasSeveralDatacenters = true
        let dc1 = ConsulScope(datacenter: "dc1")
        try await FollowedConsul.run(
            scopes: [dc1, Self.dc2], rules: rules,
            preparing: { server in
                server.set("cart", in: dc1, "10.1.0.1")
                server.set("cart", in: Self.dc2, "10.2.0.1")
            }
        ) { scene in
            await scene.waitUntil { $0.isFollowed && $0.hosts.count == 2 }
            #expect(Set(scene.shown.value.hosts.values) == [["10.1.0.1"], ["10.2.0.1"]])
            scene.server.set("cart", in: Self.dc2, "10.2.0.2")
            await scene.waitUntil { Set($0.hosts.values) == [["10.1.0.1"], ["10.2.0.2"]] }
        }
    }

    // MARK: Servers that fail

    @Test("while the server is away everything stays, and afterwards everything is read again")
    func outage() async throws {
        try await FollowedConsul.run(preparing: { $0.set("cart", "10.0.0.1") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.change { $0.isDown = true }
            await scene.waitUntil { !$0.isFollowed }
            #expect(scene.shown.value.hosts == ["http://cart": ["10.0.0.1"]])
            scene.server.set("cart", "10.0.0.2")
            scene.server.change { $0.isDown = false }
            await scene.waitFor(["http://cart": ["10.0.0.2"]])
        }
    }

    @Test("a server whose index went back is followed by what its leader says")
    func restored() async throws {
        try await FollowedConsul.run(preparing: { $0.set("cart", "10.0.0.1") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            await scene.server.state.wait { $0.blocked["cart"] == 1 }
            scene.server.wipe()
            await scene.waitFor([:])
            scene.server.set("cart", "10.0.0.2")
            await scene.waitFor(["http://cart": ["10.0.0.2"]])
            scene.server.set("cart", "10.0.0.2", "10.0.0.3")
            await scene.waitFor(["http://cart": ["10.0.0.2", "10.0.0.3"]])
        }
    }

    @Test("a service that can't be read keeps its last good view, the others go on, and it comes back by itself")
    func unreadable() async throws {
        try await FollowedConsul.run(
            preparing: { server in
                server.set("cart", "10.0.0.1")
                server.set("orders", "10.0.1.1")
            }
        ) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1"], "http://orders": ["10.0.1.1"]])
            scene.server.change { $0.failures["cart"] = ConsulError(.replyTooLarge, "too long") }
            await scene.waitUntil { $0.unreadable["cart"] != nil }
            scene.server.set("orders", "10.0.1.2")
            await scene.waitFor(["http://cart": ["10.0.0.1"], "http://orders": ["10.0.1.2"]])
            scene.server.change { $0.failures = [:] }
            scene.server.set("cart", "10.0.0.2")
            scene.requests.read(["cart"])
            await scene.waitFor(["http://cart": ["10.0.0.2"], "http://orders": ["10.0.1.2"]])
        }
    }

    @Test("fault 33: a service that can't be read at the start is shown as soon as it can")
    func unreadableAtTheStart() async throws {
        try await FollowedConsul.run(
            preparing: { server in
                server.set("cart", "10.0.0.1")
                server.set("orders", "10.0.1.1")
                server.change { $0.failures["cart"] = ConsulError(.failed, "no") }
            }
        ) { scene in
            await scene.waitUntil { $0.isFollowed && $0.unreadable["cart"] != nil }
            #expect(scene.shown.value.hosts == ["http://orders": ["10.0.1.1"]])
            scene.server.change { $0.failures = [:] }
            await scene.waitFor(["http://cart": ["10.0.0.1"], "http://orders": ["10.0.1.1"]])
            scene.server.set("cart", "10.0.0.2")
            await scene.waitFor(["http://cart": ["10.0.0.2"], "http://orders": ["10.0.1.1"]])
        }
    }

    // MARK: Rights

    @Test("a catalog without even Consul's own service is a matter of rights at the start, not an empty registry")
    func nothingMayBeRead() async throws {
        try await FollowedConsul.run(preparing: { $0.change { $0.mayReadService = { _ in false } } }) { scene in
            await scene.waitUntil { $0.interruption?.contains("service_prefix") == true }
            #expect(scene.shown.value.reads == 0)
            scene.server.set("cart", "10.0.0.1")
            scene.server.change { $0.mayReadService = { _ in true } }
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("names without any instance are a matter of rights on nodes")
    func noNodes() async throws {
        try await FollowedConsul.run(
            preparing: { server in
                server.set("cart", "10.0.0.1")
                server.change { $0.mayReadNodes = false }
            }
        ) { scene in
            await scene.waitUntil { $0.interruption?.contains("node_prefix") == true }
            #expect(scene.shown.value.reads == 0)
        }
    }

    @Test("nothing is removed on the word of a token that lost its rights while it was used", arguments: [true, false])
    func lostRights(seesServers: Bool) async throws {
        try await FollowedConsul.run(
            hasToken: true,
            preparing: { server in
                for name in ["cart", "orders", "pay"] { server.set(name, "10.0.0.1") }
                if !seesServers { server.change { $0.mayReadService = { $0 != "consul" } } }
            }
        ) { scene in
            let all = ["cart", "orders", "pay"]
            await scene.waitFor(Dictionary(uniqueKeysWithValues: all.map { ("http://\($0)", ["10.0.0.1"]) }))
            scene.server.change { state in
                state.knowsToken = seesServers
                state.mayReadService = { _ in false }
            }
            // Each service is asked for anew, and each answer is empty.
            for name in all { scene.server.set(name, "10.0.0.2") }
            if seesServers {
                // It is one failure of the registry, and no connection is opened with such rights.
                await scene.waitUntil { $0.interruption?.contains("lost its rights") == true }
                scene.server.change { $0.mayReadService = { $0 == "cart" } }
                let queries = scene.server.state.value.queries
                await scene.server.state.wait { $0.queries > queries + 1 }
            } else {
                await scene.waitUntil { Set($0.unreadable.keys) == Set(all) }
            }
            #expect(scene.shown.value.hosts.values.allSatisfy { $0 == ["10.0.0.1"] })
            #expect(scene.shown.value.hosts.count == 3)
            scene.server.change { $0.mayReadService = { _ in true } }
            scene.server.change { $0.knowsToken = true }
            scene.requests.readEverything()
            await scene.waitUntil { shown in
                shown.hosts.count == 3 && shown.hosts.values.allSatisfy { $0 == ["10.0.0.2"] }
            }
        }
    }

    @Test("an answer that was filtered by the token's rights removes nothing")
    func filtered() async throws {
        try await FollowedConsul.run(preparing: { $0.set("cart", "10.0.0.1", "10.0.0.2") }) { scene in
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"]])
            scene.server.change { $0.filtered = ["cart"] }
            scene.server.set("cart", "10.0.0.1")
            await scene.waitUntil { $0.unreadable["cart"]?.contains("may not see all") == true }
            #expect(scene.shown.value.hosts == ["http://cart": ["10.0.0.1", "10.0.0.2"]])
        }
    }

    // MARK: Many services

    @Test("services that have no connection of their own are asked in turn")
    func beyondConnections() async throws {
        let names = (1...12).map { "service-\($0)" }
        try await FollowedConsul.run(
            connections: 8, preparing: { server in for name in names { server.set(name, "10.0.0.1") } }
        ) { scene in
            await scene.waitUntil { $0.isFollowed && $0.hosts.count == 12 }
            for name in names { scene.server.set(name, "10.0.0.2") }
            await scene.waitUntil { $0.hosts.values.allSatisfy { $0 == ["10.0.0.2"] } }
            #expect(scene.server.state.value.blocked.values.reduce(0, +) <= 5)
        }
    }
}
