import Addressing
import Catalog
import Foundation
import IsthmusTesting
import IstioAPI
import Planning
import Services
import Testing

/// Thousands of things happen to two registries, a cluster and the bridge between them, at random, and after each it is
/// looked whether anything was touched or taken away that the design says must stay.
///
/// `ISTHMUS_MODEL_SEED` repeats one run, `ISTHMUS_MODEL_STEPS` sets how long each is.
@Suite("the bridge between registries and a cluster that fail at random", .timeLimit(.minutes(ModelSettings.timeLimit)))
struct ModelTests {
    @Test(
        "nothing goes without an affirmative answer, others' objects stay, and all is right when faults end",
        arguments: ModelSettings.cases)
    func holds(seed: UInt64, mesh: MeshMode) async {
        let count = ModelSettings.steps ?? 3000
        var run = await ModelRun(seed: seed, mesh: mesh)
        for step in 1...count {
            await run.step()
            // Nothing here waits: without this, the clients and servers of other tests would have to, for seconds.
            if step % 10 == 0 { await Task.yield() }
            if step % 250 == 0 || step == count { await run.heal() }
            // What is seen when the time is over says nothing.
            if Task.isCancelled { break }
            if run.problems.isEmpty { continue }
            Issue.record(
                """
                seed \(seed), \(mesh), step \(step): \(run.problems.prefix(5).joined(separator: "\n"))
                what happened before:
                \(run.history.joined(separator: "\n"))
                """)
            break
        }
        await run.end()
    }
}

enum ModelSettings {
    private static let environment = ProcessInfo.processInfo.environment

    static let seed = environment["ISTHMUS_MODEL_SEED"].flatMap { UInt64($0) }
    static let steps = environment["ISTHMUS_MODEL_STEPS"].flatMap { Int($0) }.map { max($0, 1) }
    /// A seed that is given is tried in both modes.
    static var cases: [(UInt64, MeshMode)] {
        if let seed { return MeshMode.allCases.map { (seed, $0) } }
        return Array(zip(SeededGenerator.seeds(3), [.sidecar, .ambient, .sidecar]))
    }

    /// In minutes, of each seed.
    static var timeLimit: Int { 5 + (steps ?? 0) / 1000 }
}

extension ModelRun {
    /// Everything works again, nothing is held any more: the cluster has to be what the registries say.
    mutating func heal() async {
        note("everything works again")
        await lead()
        for index in registries.indices {
            registries[index].unreadable = []
            await tell(registries[index].readAll(.truth, &random), from: index)
        }
        await look()
        for index in registries.indices { await release(index) }
        // What a service lost last waits for a second read.
        for index in registries.indices { await tell(registries[index].readAll(.truth, &random), from: index) }
        await look()
        problems += compare()
    }

    private func compare() -> [String] {
        var expected: [String: [String]] = [:]
        for registration in registries.flatMap(\.nodes.values) where registration.id.name != Self.taken {
            let instance = registration.instance
            expected["\(registration.id)", default: []].append("\(instance.host):\(instance.port)")
        }
        expected = expected.mapValues { Set($0).sorted() }
        var delivered: [String: [String]] = [:]
        for claim in claims(in: cluster.objects) where claim.id.name != Self.taken {
            delivered["\(claim.id)", default: []]
                .append("\(claim.endpoint.host):\(claim.endpoint.port)")
        }
        delivered = delivered.mapValues { $0.sorted() }
        let names = Set(expected.keys).union(delivered.keys).sorted()
        return names.filter { expected[$0] != delivered[$0] }.map {
            "at the end \($0) should have \(expected[$0] ?? []) and has \(delivered[$0] ?? [])"
        }
    }
}
