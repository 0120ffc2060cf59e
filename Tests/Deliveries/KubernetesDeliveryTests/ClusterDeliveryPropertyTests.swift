import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Sandbox
import Testing

@Suite("a delivery to a cluster under fire", .timeLimit(.minutes(2)))
struct ClusterDeliveryPropertyTests {
    private static let names = (0..<10).map { "s-\($0)" }

    @Test(
        "whatever fails and whoever interferes, in the end the cluster is as wanted, and what isn't ours is untouched",
        arguments: SeededGenerator.seeds(6))
    func fire(seed: UInt64) async throws {
        try await World.run { world in
            for name in ["taken", "theirs"] { try await world.create(.sample(name, 9)) }
            let foreign = await ["taken", "theirs"].map { [store = world.server.store] in store.object($0) }
            let clock = HastyClock()
            try await world.withDelivery(
                workers: 4, pause: ClusterDelivery.standardPause, resyncInterval: .seconds(600), clock: clock
            ) { delivery in
                var random = SeededGenerator(seed: seed)
                for _ in 0..<250 {
                    await disturb(world, delivery, &random)
                    // Some events come in a row, some while others are being dealt with.
                    try await clock.sleep(for: .milliseconds(.random(in: 0...400, using: &random)))
                }
                await world.server.removeFaults()
                try await world.server.wait { store in
                    Self.names.allSatisfy { name in
                        let object = store.object(name)
                        guard let wanted = world.wishes[.in(name)].resource else { return object == nil }
                        return object?["spec"] == wanted.spec
                            && object?["metadata"]?["labels"]?.strings == wanted.labels
                            && object?["metadata"]?["annotations"]?.strings == wanted.annotations
                    }
                }
                try await delivery.settle()
            }
            let store = await world.server.store
            #expect(["taken", "theirs"].map { store.object($0) } == foreign)
        }
    }

    private func disturb(_ world: World, _ delivery: ClusterDelivery, _ random: inout SeededGenerator) async {
        let name = Self.names.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<14, using: &random) {
        case 0...4: world.wish(.sample(name, .random(in: 1...250, using: &random)), of: delivery)
        case 5: world.wish(absent: name, of: delivery)
        case 6: try? await world.patch(name, ["spec": ["endpoints": [], "hosts": ["stolen.example"]]])
        case 7:
            try? await world.patch(name, ["metadata": ["annotations": ["isthmus.mesh/service": "stolen"]]])
        case 8: try? await world.delete(name)
        case 9: await world.server.closeWatches()
        case 10: await world.server.expireHistory()
        case 11: world.wish(.sample("taken", 1), of: delivery)
        default: await inject(into: world.server, &random)
        }
    }

    private func inject(into server: APIServer, _ random: inout SeededGenerator) async {
        let refusals = [401, 403, 409, 422, 429, 500, 503, 504].map { status in
            APIServerFault.respond(status: status, headers: status == 429 ? [("Retry-After", "1")] : [])
        }
        let verbs: [ResourceStore.Verb] = [.create, .patch, .delete, .get, .list, .watch]
        let verb = verbs.randomElement(using: &random) ?? .create
        // A watch that is never answered is left when the real clock says so.
        let others: [APIServerFault] = verb == .watch ? [.dropConnection] : [.dropConnection, .loseReply, .hang]
        guard let fault = (refusals + others + others).randomElement(using: &random) else { return }
        await server.inject(fault, times: .random(in: 1...3, using: &random)) { $0.verb == verb }
    }
}
