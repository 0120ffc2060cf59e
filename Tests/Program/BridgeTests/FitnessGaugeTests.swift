import Deliveries
import IsthmusTesting
import Kubernetes
import Pipeline
import Sources
import Testing

@testable import Bridge

@Suite("how fit a replica is to lead")
struct FitnessGaugeTests {
    private let clock = ManualClock()

    @Test("who has just begun, lost a registry or found it again is neither fit nor unfit")
    func times() {
        let gauge = FitnessGauge(leaseDuration: .seconds(15), clock: clock)
        #expect(gauge.fitness == .doubtful)
        clock.advance(by: .seconds(29))
        #expect(gauge.fitness == .doubtful)
        clock.advance(by: .seconds(1))
        #expect(gauge.fitness == .unfit)
        gauge.note(isHealthy: true)
        clock.advance(by: .seconds(29))
        #expect(gauge.fitness == .doubtful)
        gauge.note(isHealthy: true)
        clock.advance(by: .seconds(1))
        #expect(gauge.fitness == .fit)
        gauge.note(isHealthy: false)
        #expect(gauge.fitness == .doubtful)
        clock.advance(by: .seconds(30))
        #expect(gauge.fitness == .unfit)
    }

    @Test("the pipeline tells when it follows some registry, and when it follows none any more")
    func pipeline() async {
        let (told, teller) = AsyncStream.makeStream(of: Bool.self)
        let cluster = FakeCluster()
        let pipeline = PipelineActor.sample(cluster, registries: ["zk", "nacos"]) { teller.yield($0) }
        // As long as it is not known what is there, nothing can be written.
        for registry in ["zk", "nacos"] {
            for event in [SourceEvent.begin, .complete] { await pipeline.accept(event, from: registry) }
        }
        await pipeline.accept(.interrupted(reason: "cut"), from: "zk")
        for event in [SourceEvent.begin, .complete] { await pipeline.accept(event, from: "zk") }
        await cluster.begin(pipeline)
        await pipeline.accept(.interrupted(reason: "cut"), from: "zk")
        for event in [SourceEvent.begin, .complete] { await pipeline.accept(event, from: "nacos") }
        for event in [SourceEvent.begin, .complete] { await pipeline.accept(event, from: "zk") }
        await pipeline.accept(.interrupted(reason: "cut"), from: "nacos")
        await pipeline.accept(.interrupted(reason: "cut"), from: "zk")
        for event in [SourceEvent.begin, .complete] { await pipeline.accept(event, from: "zk") }
        teller.finish()
        var all: [Bool] = []
        for await one in told { all.append(one) }
        #expect(all == [true, false, true])
    }
}
