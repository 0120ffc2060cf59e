import Catalog
import IsthmusTesting
import IstioAPI
import Pipeline
import Sources
import Status
import Testing
import Translation

@testable import Bridge

@Suite("faults of a registry that cost endpoints if they were believed", .timeLimit(.minutes(1)))
struct GuardFaultTests {
    private let cluster = FakeCluster()
    private let clock = ManualClock()

    /// 60 providers of one service and 40 of another.
    private static let everyone: [String: [UInt8]] = ["a.Cart": Array(1...60), "a.Order": Array(61...100)]

    private func pipeline(reading services: [String: [UInt8]] = everyone) async -> PipelineActor {
        let policy = TranslationPolicy(namespace: "dubbo", emptyRetention: .seconds(100))
        let pipeline = PipelineActor.sample(cluster, policy: policy, guardPolicy: GuardPolicy(), clock: clock)
        await cluster.begin(pipeline)
        await pipeline.read(services)
        await cluster.settle(pipeline)
        return pipeline
    }

    private func hold(_ pipeline: PipelineActor) async -> HoldStatus? { await pipeline.registries.first?.hold }

    @Test(
        "fault 3: of providers whose sessions expire together no more goes than may, and all are back with the registry"
    )
    func massExpiry() async {
        let pipeline = await pipeline()
        for host in UInt8(1)...60 { await pipeline.remove("a.Cart", host) }
        await cluster.settle(pipeline)
        // A few go at once, and are back when the settle time is over.
        #expect(cluster.endpoints("a.cart")?.count == 57)
        await settleTimePasses(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 60)
        #expect(cluster.endpoints("a.order")?.count == 40)
        #expect(await hold(pipeline)?.kind == .netLoss)
        for host in UInt8(1)...60 { await pipeline.add("a.Cart", host) }
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart")?.count == 60)
        #expect(await hold(pipeline) == nil)
    }

    @Test(
        "fault 3: a hold ends when reads have agreed for long enough, above half of a registry never by itself"
    )
    func timer() async {
        for (lost, isReleased) in [(50, true), (51, false)] {
            let pipeline = await pipeline(reading: ["a.Cart": Array(1...100)])
            let left: [String: [UInt8]] = ["a.Cart": Array(UInt8(lost + 1)...100)]
            await pipeline.read(left)
            clock.advance(by: .seconds(299))
            await pipeline.accept(.interrupted(reason: "lost"), from: "zk")
            clock.advance(by: .seconds(3600))
            await pipeline.read(left)
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart")?.count == 100)
            for count in 1...(isReleased ? 10 : 120) {
                await cluster.settle(pipeline)
                #expect(cluster.endpoints("a.cart")?.count == 100, "before read \(count)")
                clock.advance(by: .seconds(30))
                await pipeline.read(left)
            }
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart")?.count == (isReleased ? 50 : 100))
            _ = await pipeline.release("zk")
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart")?.count == 100 - lost)
        }
    }

    @Test("fault 3: a deployment in which every address changes is never held")
    func deployment() async {
        let pipeline = await pipeline()
        for host in UInt8(1)...60 {
            await pipeline.add("a.Cart", 100 + host)
            await pipeline.remove("a.Cart", host)
        }
        await settleTimePasses(pipeline)
        #expect(cluster.endpoints("a.cart") == (101...160).map { "10.0.0.\($0)" })
        #expect(await hold(pipeline) == nil)
    }

    @Test("fault 3: a held address goes at once when another service registers it")
    func reusedAddress() async {
        let pipeline = await pipeline()
        await pipeline.read(["a.Order": Array(61...100)])
        await pipeline.add("a.Order", 60)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == (1...59).map { "10.0.0.\($0)" })
        #expect(cluster.endpoints("a.order") == (60...100).map { "10.0.0.\($0)" })
    }

    @Test("fault 4: a complete answer that there is nothing at all costs nothing, however often it is given")
    func emptyAnswer() async {
        let pipeline = await pipeline()
        let before = cluster.objects
        for _ in 1...100 {
            await pipeline.read([:])
            clock.advance(by: .seconds(30))
        }
        await cluster.settle(pipeline)
        #expect(cluster.objects == before)
        #expect(await hold(pipeline)?.kind == .emptyAnswer)
        await pipeline.read(Self.everyone)
        await cluster.settle(pipeline)
        #expect(cluster.objects == before)
        #expect(await hold(pipeline) == nil)
    }

    @Test("fault 4: delete events of an unbroken session are believed, as far as the guard lets them")
    func affirmative() async {
        let pipeline = await pipeline(reading: ["a.Cart": Array(1...8), "a.Order": [61]])
        for host in UInt8(1)...7 { await pipeline.remove("a.Cart", host) }
        await settleTimePasses(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.8"])
    }

    @Test(
        "fault 5: a service that everyone left is emptied after a second read, and its object goes after the retention")
    func zero() async {
        let pipeline = await pipeline(reading: ["a.Cart": [1], "a.Order": [61]])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            await pipeline.remove("a.Cart", 1)
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
            await pipeline.accept(.services(name: "a.Cart", [:]), from: "zk")
            await cluster.settle(pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await pass(.seconds(99), pipeline)
            #expect(cluster.endpoints("a.cart") == [])
            await pass(.seconds(1), pipeline)
            #expect(cluster.endpoints("a.cart") == nil)
            #expect(cluster.endpoints("a.order") == ["10.0.0.61"])
            group.cancelAll()
        }
    }

    @Test(
        "fault 6: an hour without the registry changes nothing, the status says so, and one object changes afterwards"
    )
    func outage() async {
        let pipeline = await pipeline()
        let before = cluster.objects
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await pipeline.expireEmptyEntries() }
            await clock.someoneSleeps()
            for minute in 1...60 {
                await pipeline.accept(.interrupted(reason: "refused"), from: "zk")
                await pass(.seconds(60), pipeline)
                #expect(cluster.objects == before)
                let status = await pipeline.overview(problemLimit: 0)
                #expect(status.unseeded.isEmpty && status.isReady)
                let registry = await pipeline.registries.first
                #expect(registry?.health == .stale)
                #expect(registry?.lastGood == .seconds(60 * minute))
            }
            group.cancelAll()
        }
        await pipeline.read(["a.Cart": Array(1...60), "a.Order": Array(62...101)])
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.order") == (62...101).map { "10.0.0.\($0)" })
        let changed = cluster.objects.filter { before[$0.key] != $0.value }
        #expect(changed.keys.map(\.name) == ["a.order"])
        #expect(await pipeline.registries.first?.health == .healthy)
    }

    private func settleTimePasses(_ pipeline: PipelineActor) async {
        clock.advance(by: .milliseconds(500))
        await pipeline.wake()
        await cluster.settle(pipeline)
    }

    private func pass(_ time: Duration, _ pipeline: PipelineActor) async {
        clock.advance(by: time)
        await clock.someoneSleeps()
        await cluster.settle(pipeline)
    }
}
