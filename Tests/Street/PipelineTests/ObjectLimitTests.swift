import IstioAPI
import Services
import Testing
import Translation

@testable import Pipeline

@Suite("the limit of objects")
struct ObjectLimitTests {
    private static func scene(_ objects: Int, inlineLimit: Int = 1000, _ cluster: Cluster = Cluster()) -> Scene {
        var scene = Scene(
            cluster, policy: .init(namespace: "dubbo", inlineLimit: .init(endpoints: inlineLimit)),
            limits: PipelineLimits(objects: objects))
        scene.begin()
        return scene
    }

    @Test("a service beyond the limit is named and not delivered, and comes when another one expires")
    func services() {
        var scene = Self.scene(2)
        scene.read(["a.A": [1], "a.B": [2], "a.C": [3]])
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.a", "a.b"])
        let problems = scene.machine.overview(problemLimit: 9).problems
        #expect(problems.map(\.service.name) == ["a.C"])
        #expect(problems[0].problem.reason.contains("limits.objects allows 2"))
        scene.add("a.A", 4)
        scene.settle()
        #expect(scene.cluster.endpoints("a.a") == ["10.0.0.1", "10.0.0.4"])
        scene.remove("a.B", 2)
        scene.settle()
        scene.pass(.seconds(3700))
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.a", "a.c"])
        #expect(scene.machine.overview(problemLimit: 9).problemCount == 0)
    }

    @Test("after a restart, the services that were there first are delivered")
    func restart() {
        var before = Self.scene(2)
        before.read(["a.B": [2], "a.C": [3]])
        before.settle()
        var scene = Self.scene(2, before.cluster)
        scene.read(["a.A": [1], "a.B": [2], "a.C": [3]])
        scene.settle()
        #expect(scene.cluster.content.keys.sorted() == ["a.b", "a.c"])
        #expect(scene.cluster.writes == before.cluster.writes)
    }

    @Test("a large service stays inline where there is no room for its WorkloadEntries")
    func noRoom() {
        var scene = Self.scene(8, inlineLimit: 4)
        scene.read(["a.A": Array(1...5), "a.B": [6]])
        for host in UInt8(7)...12 { scene.add("a.B", host) }
        scene.settle()
        #expect(scene.machine.table.resources.count <= 8)
        #expect(scene.cluster.endpoints("a.b")?.count == 7)
    }

    @Test("endpoints beyond the limit are counted, and come when others leave")
    func endpoints() {
        var scene = Self.scene(8, inlineLimit: 4)
        scene.read(["a.A": Array(1...5)])
        for host in UInt8(6)...10 { scene.add("a.A", host) }
        scene.settle()
        #expect(scene.machine.table.workloads.count == 7)
        let problem = scene.machine.overview(problemLimit: 9).problems.first?.problem
        #expect(problem?.reason.hasPrefix("3 of its endpoints: ") == true && problem?.effect == .partial)
        for host in UInt8(1)...3 { scene.remove("a.A", host) }
        scene.settle()
        #expect(Set(scene.machine.table.workloads.values.map(\.address)) == [UInt8](4...10).addresses)
        #expect(scene.machine.overview(problemLimit: 9).problemCount == 0)
    }

    @Test("a service beyond the limit comes as soon as there is room, whatever made it")
    func room() {
        var scene = Self.scene(8, inlineLimit: 4)
        scene.read(["a.A": Array(1...7), "a.B": [8], "a.C": [9]])
        scene.settle()
        #expect(scene.cluster.endpoints("a.a")?.count == 7 && scene.cluster.endpoints("a.b") == nil)
        let problems = scene.machine.overview(problemLimit: 9).problems
        #expect(problems.map(\.problem.effect) == [.absent, .absent])
        scene.remove("a.A", 1)
        scene.settle()
        #expect(scene.cluster.endpoints("a.b") == ["10.0.0.8"] && scene.cluster.endpoints("a.c") == nil)
        scene.remove("a.A", 2)
        scene.settle()
        #expect(scene.cluster.endpoints("a.c") == ["10.0.0.9"])
        #expect(scene.machine.overview(problemLimit: 9).problemCount == 0)
    }
}
