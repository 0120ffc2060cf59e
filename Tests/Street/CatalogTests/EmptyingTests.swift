import Catalog
import IsthmusTesting
import Services
import Testing

/// Fault 26, as the guard decides it.
@Suite("the guard: a registry that empties while it is healthy")
struct EmptyingTests {
    enum Order: String, CaseIterable {
        /// One provider after the other, as they registered.
        case oneByOne
        /// As sessions end.
        case atRandom
        /// A recursive delete.
        case byService
    }

    private static let services = (0..<5).map { ServiceID(name: "a.S\($0)", protocol: .dubbo) }

    private static func pods(_ numbers: Range<Int>) -> [GuardSimulation.Pod] {
        GuardSimulation.pods(numbers) { [services[$0 % services.count]] }
    }

    private static func sorted(_ pods: [GuardSimulation.Pod], _ order: Order) -> [GuardSimulation.Pod] {
        var random = SeededGenerator(seed: 7)
        switch order {
        case .oneByOne: return pods
        case .atRandom: return pods.shuffled(using: &random)
        case .byService: return pods.sorted { ($0.services[0], $0.number) < ($1.services[0], $1.number) }
        }
    }

    private static func leave(
        _ pods: [GuardSimulation.Pod], from start: Duration, within time: Duration
    ) -> [GuardSimulation.Change] {
        pods.enumerated().map { index, pod in
            .init(time: start + time * index / pods.count, pod: pod, isThere: false)
        }
    }

    /// - Parameter share: How many percent must stand at every moment, or all but three.
    private static func check(_ simulation: GuardSimulation, _ count: Int, share: Int, _ comment: Comment) {
        let least = min(count * share / 100, count - 3)
        let fewest = simulation.looks.map(\.standing).min() ?? 0
        #expect(fewest >= least, comment)
        let held = simulation.looks.first { $0.isHeld }?.time
        #expect(held != nil, comment)
        let late = simulation.looks.filter { $0.time >= (held ?? .zero) + .seconds(10) }
        #expect(!late.isEmpty && late.allSatisfy { $0.standing == count }, comment)
    }

    @Test(
        "within three seconds no more than a few go, and ten seconds after the hold began all stand",
        arguments: [100, 400])
    func fast(count: Int) {
        for order in Order.allCases {
            for time in [Duration.zero, .milliseconds(300), .seconds(1), .milliseconds(2900)] {
                let pods = Self.pods(0..<count)
                var simulation = GuardSimulation(pods)
                simulation.run(Self.leave(Self.sorted(pods, order), from: .seconds(1), within: time), watching: pods)
                Self.check(simulation, count, share: 98, "\(order), within \(time)")
            }
        }
    }

    @Test("more slowly, no more than 15 percent go, and then all stand", arguments: [100, 400])
    func slow(count: Int) {
        for order in Order.allCases {
            for time in [Duration.seconds(5), .seconds(20), .seconds(55)] {
                let pods = Self.pods(0..<count)
                var simulation = GuardSimulation(pods)
                simulation.run(Self.leave(Self.sorted(pods, order), from: .seconds(1), within: time), watching: pods)
                Self.check(simulation, count, share: 85, "\(order), within \(time)")
            }
        }
    }

    @Test(
        "also right after a surge that doubled it", arguments: [Order.atRandom, .byService],
        [Duration.zero, .milliseconds(2900), .seconds(20)])
    func surge(order: Order, time: Duration) {
        let (old, new) = (Self.pods(0..<100), Self.pods(100..<200))
        var simulation = GuardSimulation(old)
        simulation.run(new.map { .init(time: .zero, pod: $0, isThere: true) }, watching: [], for: .seconds(8))
        simulation.run(Self.leave(Self.sorted(old + new, order), from: .zero, within: time), watching: old + new)
        Self.check(simulation, 200, share: time <= .seconds(3) ? 98 : 85, "\(order), within \(time)")
    }

    @Test("also where a few processes serve everything")
    func fewProcesses() {
        let interfaces = (0..<60).map { ServiceID(name: "a.I\($0)", protocol: .dubbo) }
        let pods = GuardSimulation.pods(0..<6) { _ in interfaces }
        var simulation = GuardSimulation(pods)
        simulation.run(Self.leave(pods, from: .seconds(1), within: .milliseconds(200)), watching: pods)
        Self.check(simulation, 6, share: 98, "six processes")
    }

    @Test("one znode that comes and goes a thousand times leaves its service empty at no moment")
    func storm() {
        let pods = Self.pods(0..<1)
        var simulation = GuardSimulation(pods + Self.pods(1..<4))
        let changes = (0..<1000).flatMap { pair -> [GuardSimulation.Change] in
            let time = Duration.milliseconds(3 * pair)
            return [
                .init(time: time, pod: pods[0], isThere: false),
                .init(time: time + .milliseconds(2), pod: pods[0], isThere: true),
            ]
        }
        simulation.run(changes, watching: pods)
        #expect(simulation.looks.allSatisfy { $0.standing == 1 })
    }
}
