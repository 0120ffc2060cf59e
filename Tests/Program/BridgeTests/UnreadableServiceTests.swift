import Bridge
import Pipeline
import Services
import Sources
import Testing

/// After a restart only the cluster's objects know what a service was whose providers can't be read any more.
@Suite("a service whose providers can't be read")
struct UnreadableServiceTests {
    private let cluster = FakeCluster()

    /// A cluster in which a service has an object, and a new bridge in front of it that has read nothing yet.
    private func restarted() async -> PipelineActor {
        let before = PipelineActor.sample(cluster)
        await cluster.begin(before)
        await before.read(["a.Cart": [1]])
        await cluster.settle(before)
        let after = PipelineActor.sample(cluster)
        await cluster.begin(after)
        return after
    }

    private func read(_ events: [SourceEvent], _ pipeline: PipelineActor) async {
        for event in [.begin] + events + [.complete] { await pipeline.accept(event, from: "zk") }
        await cluster.settle(pipeline)
    }

    private let unreadable = SourceEvent.unreadable(name: "a.Cart", reason: "garbage")

    @Test("it keeps its object over a restart, and over further reads that bring nothing better")
    func kept() async {
        let pipeline = await restarted()
        await read([unreadable], pipeline)
        await read([unreadable], pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        #expect(cluster.writes == 1)
    }

    @Test("who joins it says nothing of the others; it follows the registry again with a readable list")
    func mended() async {
        let pipeline = await restarted()
        await read([unreadable], pipeline)
        await pipeline.add("a.Cart", 2)
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.1"])
        let list = [ServiceID(name: "a.Cart"): [InstanceKey("a.Cart-2"): Instance.sample(2)]]
        await pipeline.accept(.services(name: "a.Cart", list), from: "zk")
        await cluster.settle(pipeline)
        #expect(cluster.endpoints("a.cart") == ["10.0.0.2"])
        await read([], pipeline)
        #expect(cluster.endpoints("a.cart") == [])
    }

    @Test("a list that says that nobody is left is believed")
    func emptied() async {
        let pipeline = await restarted()
        await read([unreadable], pipeline)
        await pipeline.accept(.services(name: "a.Cart", [:]), from: "zk")
        await cluster.settle(pipeline)
        await read([.services(name: "a.Cart", [:])], pipeline)
        #expect(cluster.endpoints("a.cart") == [])
    }
}
