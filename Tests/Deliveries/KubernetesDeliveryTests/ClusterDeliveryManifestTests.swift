import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import Kubernetes
import KubernetesDelivery
import Planning
import Sandbox
import Testing

@Suite("a delivery of objects that operators publish", .timeLimit(.minutes(1)))
struct ClusterDeliveryManifestTests {
    private static let scope = {
        var scope = ManifestScope()
        scope.insert(kinds: [.virtualService, .serviceEntry, .destinationRule], namespaces: ["shop", World.namespace])
        return scope
    }()

    private static let keys = [
        ResourceKey(.virtualService, namespace: "shop", name: "a"), ResourceKey(namespace: "shop", name: "a"),
        ResourceKey(namespace: World.namespace, name: "a"),
        ResourceKey(.destinationRule, namespace: World.namespace, name: "a"),
    ]

    private static func manifest(_ key: ResourceKey, _ spec: JSONValue = ["hosts": ["a.mesh"], "one": 1]) -> Manifest {
        Manifest(
            key: key, labels: World.ownership.labels, annotations: ["isthmus.mesh/configuration": "ops/a"], spec: spec)
    }

    private static func withDelivery(
        pause: Duration? = nil, _ prepare: @Sendable (World) async throws -> Void = { _ in },
        _ body: @Sendable (World, ClusterDelivery) async throws -> Void
    ) async throws {
        try await World.run(namespaces: ["shop"]) { world in
            try await prepare(world)
            try await world.withDelivery(pause: pause, manifests: scope) { try await body(world, $0) }
        }
    }

    @Test("it is written, changed and removed; what a new version lacks goes", arguments: keys)
    func life(key: ResourceKey) async throws {
        try await Self.withDelivery { world, delivery in
            world.wish(Self.manifest(key), of: delivery)
            try await world.wait(for: Self.manifest(key))
            let other = Self.manifest(key, ["hosts": ["b.mesh"]])
            world.wish(other, of: delivery)
            try await world.wait(for: other)
            #expect(try await delivery.owned().map(\.key) == [key])
            world.wishes[key] = .absent
            delivery.changed([key])
            try await world.waitUntilGone(key)
        }
    }

    @Test("one of an earlier run is found and told of, and stays while nothing is decided", arguments: keys)
    func found(key: ResourceKey) async throws {
        try await Self.withDelivery {
            try await $0.create(Self.manifest(key))
        } _: { world, delivery in
            await world.wishes.waitForFound([key])
            try await delivery.settle()
            #expect(await world.server.store.manifestSpec(key) != nil)
            world.wishes[key] = .absent
            delivery.changed([key])
            try await world.waitUntilGone(key)
        }
    }

    @Test("somebody else's object of that name is never touched, and the status names it")
    func foreign() async throws {
        let key = Self.keys[0]
        var foreign = Self.manifest(key)
        foreign.labels = [:]
        foreign.annotations = [:]
        try await Self.withDelivery { [foreign] in
            try await $0.create(foreign)
        } _: { world, delivery in
            world.wish(Self.manifest(key, ["hosts": ["b.mesh"]]), of: delivery)
            try await delivery.waitForFailures(1)
            #expect(delivery.report(limit: 1).failures.first?.reason.contains("not ours") == true)
            world.wishes[key] = .absent
            delivery.changed([key])
            try await delivery.settle()
            #expect(await world.server.store.manifestSpec(key) == Self.manifest(key).spec)
        }
    }

    @Test("a version that the API server refuses in a dry run is not written; its words are told, the last one stays")
    func refused() async throws {
        let key = Self.keys[0]
        try await Self.withDelivery { world, delivery in
            world.wish(Self.manifest(key), of: delivery)
            try await world.wait(for: Self.manifest(key))
            await world.server.inject(
                .respond(
                    status: 422,
                    body: #"{"kind":"Status","code":422,"reason":"Invalid","message":"hosts must not be funny"}"#),
                times: .max, where: { $0.verb == .patch && $0.target.query["dryRun"] == "All" })
            let bad = Self.manifest(key, ["hosts": ["funny.mesh"]])
            world.wish(bad, of: delivery)
            try await delivery.waitForFailures(1)
            #expect(delivery.report(limit: 1).failures.first?.reason.contains("hosts must not be funny") == true)
            #expect(await world.server.store.manifestSpec(key) == Self.manifest(key).spec)
            guard case .conflict(let reason) = await delivery.plan(key, wanted: .manifest(bad), held: nil) else {
                Issue.record("the plan does not tell of the refusal")
                return
            }
            #expect(reason.contains("hosts must not be funny"))
            // A good one comes through.
            world.wish(Self.manifest(key), of: delivery)
            try await delivery.waitForFailures(0)
        }
    }

    @Test("what somebody changes or deletes by hand is put right")
    func repaired() async throws {
        let key = Self.keys[0]
        try await Self.withDelivery { world, delivery in
            world.wish(Self.manifest(key), of: delivery)
            try await world.wait(for: Self.manifest(key))
            await world.wishes.waitForFound([key])
            try await world.server.perform(
                ResourceStore.Request(
                    .patch, .virtualService, namespace: key.namespace, name: key.name,
                    body: ["spec": ["hosts": ["other.mesh"]]]))
            try await world.wait(for: Self.manifest(key))
            try await world.server.perform(
                ResourceStore.Request(.delete, .virtualService, namespace: key.namespace, name: key.name))
            await world.wishes.wait { $0.count { $0.outcome == .created(.full([.configuration])) } == 2 }
            try await world.wait(for: Self.manifest(key))
        }
    }

    @Test("where nothing may be published, nothing is listed or watched")
    func off() async throws {
        try await World.run { world in
            try await world.withDelivery { delivery in
                world.wish(.sample("a", 1), of: delivery)
                try await world.wait(for: .sample("a", 1))
                #expect(await world.server.requestCounts[.list, "virtualservices"] == 0)
            }
        }
    }
}

extension ResourceStore.Kind {
    fileprivate init(_ kind: ResourceKind) {
        self =
            switch kind {
            case .serviceEntry: .serviceEntry
            case .destinationRule: .destinationRule
            default: .virtualService
            }
    }
}

extension ResourceStore {
    fileprivate func manifestSpec(_ key: ResourceKey) -> JSONValue? {
        object(Kind(key.kind), namespace: key.namespace, name: key.name)?["spec"]
    }
}

extension World {
    fileprivate func wish(_ manifest: Manifest, of delivery: ClusterDelivery) {
        wishes[manifest.key] = .present(.manifest(manifest))
        delivery.changed([manifest.key])
    }

    fileprivate func wait(for manifest: Manifest) async throws {
        try await server.wait { $0.manifestSpec(manifest.key) == manifest.spec }
    }

    fileprivate func waitUntilGone(_ key: ResourceKey) async throws {
        try await server.wait { $0.manifestSpec(key) == nil }
    }

    fileprivate func create(_ manifest: Manifest) async throws {
        try await server.perform(
            ResourceStore.Request(
                .create, .init(manifest.key.kind), namespace: manifest.key.namespace,
                body: Resource.manifest(manifest).json(version: "v1")))
    }
}
