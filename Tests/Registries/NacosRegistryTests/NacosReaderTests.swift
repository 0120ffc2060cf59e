import IsthmusTesting
import Nacos
import Services
import Settings
import Sources
import Testing

@testable import NacosRegistry

@Suite("following a Nacos", .timeLimit(.minutes(1)))
struct NacosReaderTests {
    @Test("what is registered is read, and pushes show what comes, changes and leaves")
    func follows() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1")
            scene.server.set("order", group: "blue", "10.0.0.2")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"], "http://blue/order": ["10.0.0.2"]])
            scene.server.set("cart", "10.0.0.1", "10.0.0.3")
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.3"], "http://blue/order": ["10.0.0.2"]])
            scene.server.set("order", group: "blue")
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.3"]])
        }
    }

    @Test("a restarted server that answers nothing removes nothing, and providers that return cost no change")
    func restart() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1", "10.0.0.2")
            scene.server.set("order", "10.0.0.3")
            scene.server.connect()
            let before = ["http://cart": ["10.0.0.1", "10.0.0.2"], "http://order": ["10.0.0.3"]]
            await scene.waitFor(before)
            scene.server.wipe()
            await scene.waitUntil { !$0.isFollowed }
            scene.server.connect()
            await scene.waitUntil { $0.isFollowed }
            #expect(scene.shown.value.hosts == before)
            // The server's lists know nothing of cart, and its subscription stands all the same.
            #expect(scene.server.state.value.subscribed.contains(ServiceKey(name: "cart")))
            scene.server.set("cart", "10.0.0.2")
            scene.server.set("order", "10.0.0.3")
            let passed = try await scene.pass { $0.hosts != before }
            #expect(passed >= .seconds(30))
            await scene.waitFor(["http://cart": ["10.0.0.2"], "http://order": ["10.0.0.3"]])
        }
    }

    @Test("after a reconnection an instance that was seen again leaves at once")
    func seenAgain() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1", "10.0.0.2")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1", "10.0.0.2"]])
            scene.server.disconnect()
            scene.server.connect()
            await scene.waitUntil { $0.reads == 2 }
            scene.server.set("cart", "10.0.0.1")
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("a name that comes is found by the watch on names, at once")
    func watchedName() async throws {
        try await FollowedNacos.run { scene in
            scene.server.state.change {
                $0.watchesNames = true
                $0.listFailure = NacosError(.forbidden)
            }
            scene.server.connect()
            await scene.waitUntil { $0.isFollowed }
            scene.server.set("cart", group: "blue", "10.0.0.1")
            await scene.waitFor(["http://blue/cart": ["10.0.0.1"]])
        }
    }

    @Test("a name that comes is found by the next list where the server does not tell of it")
    func listedName() async throws {
        try await FollowedNacos.run { scene in
            scene.server.connect()
            await scene.waitUntil { $0.isFollowed }
            scene.server.set("cart", group: "blue", "10.0.0.1")
            let passed = try await scene.pass { $0.hosts == ["http://blue/cart": ["10.0.0.1"]] }
            #expect(passed <= .seconds(15))
        }
    }

    @Test("a watch on names at the server's limit is completed by lists")
    func limitedWatch() async throws {
        try await FollowedNacos.run { scene in
            scene.server.state.change {
                $0.watchesNames = true
                $0.isWatchComplete = false
            }
            scene.server.connect()
            await scene.waitUntil { $0.isFollowed }
            scene.server.state.change {
                $0.services[ServiceKey(name: "cart")] = [NacosInstance(ip: "10.0.0.1", port: 80)]
            }
            let passed = try await scene.pass { $0.hosts == ["http://cart": ["10.0.0.1"]] }
            #expect(passed <= .seconds(15))
        }
    }

    @Test("without a right to the list of all groups, the groups of the configuration are listed")
    func groupsOnly() async throws {
        let selection = ServiceSelection(groups: NameFilter(included: ["blue", "green"]))
        try await FollowedNacos.run(selection: selection) { scene in
            scene.server.state.change { $0.listFailure = NacosError(.forbidden) }
            scene.server.set("cart", group: "blue", "10.0.0.1")
            scene.server.set("cart", group: "red", "10.0.0.2")
            scene.server.connect()
            await scene.waitFor(["http://blue/cart": ["10.0.0.1"]])
        }
    }

    @Test("where neither all groups nor any named one can be listed, nothing is taken for empty")
    func noGroups() async throws {
        let selection = ServiceSelection(groups: NameFilter(included: ["prod-*"]))
        try await FollowedNacos.run(selection: selection) { scene in
            scene.server.state.change { $0.listFailure = NacosError(.unsupported) }
            scene.server.connect()
            while scene.server.state.value.lists < 5 {
                try Task.checkCancellation()
                scene.clock.advance(by: .seconds(1))
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(scene.shown.value.reads == 0)
        }
    }

    @Test("a list that fails keeps what is known")
    func failedList() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.state.change { $0.listFailure = NacosError(.timedOut) }
            scene.requests.readEverything()
            await scene.waitUntil { !$0.isFollowed }
            #expect(scene.shown.value.hosts == ["http://cart": ["10.0.0.1"]])
            scene.server.state.change { $0.listFailure = nil }
            _ = try await scene.pass { $0.isFollowed }
            #expect(scene.shown.value.hosts == ["http://cart": ["10.0.0.1"]])
        }
    }

    @Test("a service that can't be read costs no other one")
    func failedRead() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1")
            scene.server.set("order", "10.0.0.2")
            scene.server.state.change { $0.failures[ServiceKey(name: "order")] = NacosError(.failed) }
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            #expect(scene.shown.value.unreadable == ["order"])
            scene.server.state.change { $0.failures = [:] }
            _ = try await scene.pass { $0.hosts["http://order"] == ["10.0.0.2"] }
            #expect(scene.shown.value.unreadable == [])
        }
    }

    @Test("a push that was lost is found by the sweep")
    func sweep() async throws {
        try await FollowedNacos.run { scene in
            scene.server.set("cart", "10.0.0.1")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.set("cart", "10.0.0.2", silently: true)
            let passed = try await scene.pass(until: { $0.hosts == ["http://cart": ["10.0.0.2"]] }, step: .seconds(10))
            #expect(passed >= .seconds(290))
        }
    }

    @Test("a server without subscriptions is asked again and again")
    func polling() async throws {
        try await FollowedNacos.run { scene in
            scene.server.state.change { $0.kind = .http }
            scene.server.set("cart", "10.0.0.1")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            scene.server.set("cart", "10.0.0.1", "10.0.0.2")
            let passed = try await scene.pass { $0.hosts == ["http://cart": ["10.0.0.1", "10.0.0.2"]] }
            #expect(passed <= .seconds(10))
            #expect(scene.server.state.value.subscribed.isEmpty)
        }
    }

    @Test("of several namespaces each has a connection, and services of one name are told apart")
    func namespaces() async throws {
        try await FollowedNacos.run(namespaces: ["public", "dev"]) { scene in
            let dev = try #require(scene.servers["dev"])
            scene.server.set("cart", "10.0.0.1")
            dev.set("cart", "10.0.0.2")
            scene.server.connect()
            dev.connect()
            let both = ["http://cart": ["10.0.0.1"], "http://cart?namespace=dev": ["10.0.0.2"]]
            await scene.waitFor(both)
            dev.wipe()
            await scene.waitUntil { !$0.isFollowed }
            dev.connect()
            await scene.waitUntil { $0.isFollowed }
            #expect(scene.shown.value.hosts == both)
            let passed = try await scene.pass { $0.hosts == ["http://cart": ["10.0.0.1"]] }
            #expect(passed >= .seconds(29))
        }
    }

    @Test("what the configuration leaves out is neither listed nor subscribed to")
    func selection() async throws {
        let selection = ServiceSelection(
            groups: NameFilter(excluded: ["test-*"]), services: NameFilter(included: ["c*"], excluded: ["*-internal"]))
        try await FollowedNacos.run(selection: selection) { scene in
            scene.server.set("cart", "10.0.0.1")
            scene.server.set("cart-internal", "10.0.0.2")
            scene.server.set("order", "10.0.0.3")
            scene.server.set("cart", group: "test-1", "10.0.0.4")
            scene.server.set("consumers:com.acme.Cart::", "10.0.0.5")
            scene.server.connect()
            await scene.waitFor(["http://cart": ["10.0.0.1"]])
            #expect(scene.server.state.value.subscribed == [ServiceKey(name: "cart")])
        }
    }

    @Test("a service that nobody provides is given up, and found when it is provided again")
    func deserted() async throws {
        try await FollowedNacos.run { scene in
            scene.server.state.change { $0.empty = [ServiceKey(name: "cart")] }
            scene.server.connect()
            await scene.waitUntil { $0.isFollowed }
            try await eventually("it is subscribed to") { !scene.server.state.value.subscribed.isEmpty }
            scene.server.state.change { $0.empty = [] }
            while !scene.server.state.value.subscribed.isEmpty {
                try Task.checkCancellation()
                scene.clock.advance(by: .seconds(5))
                try await Task.sleep(for: .milliseconds(2))
            }
            scene.server.set("cart", "10.0.0.1")
            _ = try await scene.pass { $0.hosts == ["http://cart": ["10.0.0.1"]] }
        }
    }
}
