import Catalog
import Services
import Testing

/// Deployments in which every address changes. A consumer calls every endpoint ten times a second.
@Suite("the guard: rolling deployments")
struct RolloutTests {
    struct Rollout: Sendable, CustomStringConvertible {
        var description: String
        var pods: Int
        var interfaces: Int
        /// How many pods are replaced together.
        var batch: Int
        var interval: Duration
        /// From the departure of the old pods of a batch to the arrival of the new ones; negative where the new ones
        /// come first.
        var gap: Duration
    }

    static let rollouts = [
        Rollout(
            description: "one pod after the other, new ones first", pods: 100, interfaces: 1, batch: 1,
            interval: .milliseconds(200), gap: .milliseconds(-100)),
        Rollout(
            description: "10 % every 20 s, new ones first", pods: 200, interfaces: 1, batch: 20,
            interval: .seconds(20), gap: .seconds(-5)),
        Rollout(
            description: "10 % every 20 s, old ones first", pods: 200, interfaces: 1, batch: 20,
            interval: .seconds(20), gap: .seconds(15)),
        Rollout(
            description: "10 % every 20 s, old ones half a minute later", pods: 200, interfaces: 1, batch: 20,
            interval: .seconds(20), gap: .seconds(-30)),
        Rollout(
            description: "300 interfaces, 10 % every 20 s, old ones first", pods: 20, interfaces: 300, batch: 2,
            interval: .seconds(20), gap: .seconds(15)),
        Rollout(
            description: "300 interfaces, one of five pods, old ones first", pods: 5, interfaces: 300, batch: 1,
            interval: .seconds(20), gap: .seconds(15)),
        Rollout(
            description: "all at once, new ones first", pods: 100, interfaces: 1, batch: 100, interval: .seconds(1),
            gap: .seconds(-10)),
    ]

    @Test("none is held, and no removal takes longer than the settle time", arguments: rollouts)
    func rollout(_ rollout: Rollout) {
        let interfaces = (0..<rollout.interfaces).map { ServiceID(name: "a.I\($0)", protocol: .dubbo) }
        let old = GuardSimulation.pods(0..<rollout.pods) { _ in interfaces }
        let new = GuardSimulation.pods(rollout.pods..<rollout.pods * 2) { _ in interfaces }
        var changes: [GuardSimulation.Change] = []
        for index in 0..<rollout.pods {
            let time = Duration.seconds(60) + rollout.interval * (index / rollout.batch)
            changes.append(.init(time: time, pod: old[index], isThere: false))
            changes.append(.init(time: time + rollout.gap, pod: new[index], isThere: true))
        }
        changes.sort { $0.time < $1.time }
        var simulation = GuardSimulation(old)
        simulation.run(changes, watching: old + new, for: .seconds(5))
        #expect(simulation.looks.allSatisfy { !$0.isHeld })
        #expect(simulation.delays.count == rollout.pods)
        #expect(simulation.delays.values.max() ?? .zero <= .milliseconds(500))
        #expect(simulation.looks.last?.standing == new.count)
        // Six looks at each old endpoint at the most, from its departure on.
        #expect(simulation.calls.failed <= rollout.pods * 6)
        #expect(rollout.batch == rollout.pods || simulation.calls.failed * 100 <= simulation.calls.made)
    }
}
