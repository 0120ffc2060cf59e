import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery to a cluster that refuses writes for a reason outside of the objects", .timeLimit(.minutes(1)))
struct ClusterDeliveryRefusalTests {
    private let webhookAway = #"""
        {"kind": "Status", "code": 500, "reason": "InternalError", "message":
         "Internal error occurred: failed calling webhook \"v.acme.com\": Post: connection refused"}
        """#

    @Test("a webhook that is away is one condition with a probe, costs no read, and all go on when it is back")
    func webhook() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: HastyClock(), isClientHasty: false) { delivery in
                let entries = (0..<50).map { ServiceEntry.sample("s-\($0)", 1) }
                for entry in entries { world.wish(entry, of: delivery) }
                for entry in entries { try await world.wait(for: entry) }
                await world.server.inject(
                    .respond(status: 500, body: webhookAway), times: .max, where: { $0.verb == .patch })
                let changed = (0..<50).map { ServiceEntry.sample("s-\($0)", 1, 2) }
                for entry in changed { world.wish(entry, of: delivery) }
                // Each meets the webhook once; after that only the probe asks.
                try await world.server.waitForRequests { $0[.patch, "serviceentries"] >= 55 }
                let report = delivery.report(limit: 10)
                #expect(report.failureCount == 0)
                #expect(report.condition?.reason.contains(#"failed calling webhook "v.acme.com""#) == true)
                #expect(await world.server.requestCounts[.get, "serviceentries"] < 10, "not one for each refused write")
                #expect(await world.server.requestCounts[.patch, "serviceentries"] < 100)
                await world.server.removeFaults()
                for entry in changed { try await world.wait(for: entry) }
                try await yield(while: delivery.report(limit: 0).condition != nil)
                #expect(await world.server.requestCounts[.get, "serviceentries"] < 10, "not one for each refused write")
            }
        }
    }

    @Test("an object that other writes do not concern is written all the same")
    func others() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                let isCreation = { @Sendable (request: APIServerRequest) in request.verb == .create }
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                await world.server.inject(.respond(status: 500, body: webhookAway), times: .max, where: isCreation)
                world.wish(.sample("b", 1), of: delivery)
                try await yield(while: delivery.report(limit: 0).condition == nil)
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                #expect(delivery.report(limit: 0).condition != nil)
                world.wish(absent: "b", of: delivery)
                try await yield(while: delivery.report(limit: 0).condition != nil)
            }
        }
    }

    @Test("a status that istiod writes costs no read, and the next change meets no conflict")
    func foreignStatus() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                // The answer is there, not only the object.
                await world.wishes.wait { $0.count == 1 }
                var request = ResourceStore.Request(
                    .patch, .serviceEntry, namespace: World.namespace, name: "a",
                    body: ["status": ["conditions": [["type": "Reconciled"]]]])
                request.isForStatus = true
                try await world.server.perform(request)
                // What the watch shows of another object comes after the status.
                world.wishes[.in("seen")] = .present(.sample("seen", 9))
                try await world.create(.sample("seen", 9), labels: World.ownership.labels)
                try await world.server.waitForRequests { $0[.get, "serviceentries"] == 1 }
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                #expect(await world.server.requestCounts[.get, "serviceentries"] == 1)
                #expect(await world.server.requestCounts[.patch, "serviceentries"] == 1)
            }
        }
    }

    @Test("an object that finalizers keep is named, kept up to date, and made again when it is gone")
    func beingDeleted() async throws {
        try await World.run { world in
            try await world.withDelivery(clock: HastyClock()) { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                try await world.patch("a", ["metadata": ["finalizers": ["acme.com/keep"]]])
                try await world.delete("a")
                try await delivery.waitForFailures(1)
                let failure = delivery.report(limit: 1).failures.first
                #expect(failure?.kind == .refused)
                #expect(
                    failure?.reason
                        == "somebody deleted the object, and its finalizers keep it; it is made again when it is gone")
                world.wish(.sample("a", 1, 2), of: delivery)
                try await world.wait(for: .sample("a", 1, 2))
                try await delivery.waitForFailures(1)
                let uid = await world.server.store.object("a")?["metadata"]?["uid"]
                try await world.patch("a", ["metadata": ["finalizers": []]])
                try await world.server.wait { store in
                    store.spec("a") == ServiceEntry.sample("a", 1, 2).spec
                        && store.object("a")?["metadata"]?["uid"] != uid
                }
                try await delivery.waitForFailures(0)
            }
        }
    }
}
