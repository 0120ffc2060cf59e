import Catalog
import Deliveries
import IsthmusTesting
import IstioAPI
import JSON
import Logging
import Planning
import Publishing
import Sources
import Testing

@Suite("What deliveries are told where operators publish objects", .timeLimit(.minutes(1)))
struct PublisherTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// What the registries want: nothing but one service and one rule.
    private final class Services: DesiredState {
        let seeded = Observed<[ActualObject]>([])
        let own: Set<ResourceKey>

        init(_ own: Set<ResourceKey>) { self.own = own }

        func seed(_ objects: [ActualObject], from delivery: String) async { seeded.change { $0 += objects } }
        func adopt(_ objects: [ActualObject], from delivery: String) async {}
        func wanted(_ key: ResourceKey) async -> Wanted {
            own.contains(key) ? .present(.manifest(Manifest(key: key, spec: ["of": "a registry"]))) : .absent
        }
        func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? { nil }
        func everyKey() async -> [ResourceKey] { Array(own) }
        func delivered(_ receipt: Receipt) async {}

        func settled() async {}
    }

    private static func publisher(
        _ services: Services = Services([]), _ policy: PublicationPolicy = .sample()
    ) -> Publisher {
        Publisher([.sample(policy)], besides: services, deliveries: [], logger: silent)
    }

    @Test("published objects are answered for, everything else is passed on")
    func routing() async {
        let service = ResourceKey(namespace: "dubbo", name: "orders")
        let publisher = Self.publisher(Services([service]))
        await publisher.accept(.complete(["a": .text(Text.route("a"))]), from: "ops")
        #expect(await publisher.wanted(.route("a")).resource != nil)
        #expect(await publisher.wanted(service).resource?.spec == ["of": "a registry"])
        #expect(await publisher.wanted(.route("b")) == .absent)
        #expect(Set(await publisher.everyKey()) == [service, .route("a")])
    }

    @Test("objects of an earlier run are kept from the pipeline, which would remove them")
    func seeds() async {
        let services = Services([])
        let publisher = Self.publisher(services)
        let other = ActualObject(
            key: ResourceKey(namespace: "dubbo", name: "orders"), revision: nil, labels: [:], annotations: [:],
            spec: [:])
        await publisher.seed([standing("a"), standing("b", centre: "former"), other], from: "cluster")
        #expect(services.seeded.value == [other])
        #expect(await publisher.wanted(.route("a")) == .undecided)
        // Of a configuration centre that is not configured any more.
        #expect(await publisher.wanted(.route("b")) == .undecided)
    }

    @Test("an object that bears the name of a registry's service is not put in its place")
    func collision() async {
        let key = ResourceKey(namespace: "shop", name: "orders")
        let publisher = Self.publisher(Services([key]), .sample(hosts: ["*.example.com"]))
        await publisher.accept(.complete(["a": .text(Text.entry("orders", host: "api.example.com"))]), from: "ops")
        #expect(await publisher.wanted(key).resource?.spec == ["of": "a registry"])
    }

    @Test("a hold is released by name, once")
    func release() async {
        let publisher = Self.publisher()
        await publisher.accept(.complete(["a": .text(Text.route("a"))]), from: "ops")
        await publisher.accept(.complete([:]), from: "ops")
        #expect(await publisher.release("other") == nil)
        #expect(await publisher.release("ops") == [ResourceKey.route("a")])
        #expect(await publisher.release("ops") == nil)
        #expect(await publisher.wanted(.route("a")) == .absent)
    }
}
