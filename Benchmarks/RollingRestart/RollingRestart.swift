import ArgumentParser
import Foundation
import IsthmusTesting
import Kubernetes
import Measuring
import ZooKeeper

/// The API server's cost of a rolling restart of 200 interfaces × 50 instances, with paced writes and without.
///
/// One instance after the other deregisters its interfaces and registers them a moment later at another address.
@main
struct RollingRestart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rolling-restart")
    static let interfaces = (0..<200).map { "com.acme.shop.module\($0 % 10).Service\($0)" }
    static let instances = 50
    /// From one instance to the next, and how long each is away.
    static let interval = Duration.seconds(1)
    static let absence = Duration.milliseconds(400)
    /// Until what was just written counts as quiet.
    static let quietTime = Duration.seconds(11)

    /// Another bridge has no setting for its pace.
    @OptionGroup var program: BridgeProgram

    func validate() throws {
        if program.bridge != nil { throw ValidationError("This compares two settings of Isthmus.") }
    }

    func run() async throws {
        try await Stage.run(program) { stage in
            try await Self.registerAll(stage)
            var results: [Outcome] = []
            for (round, pacing) in ["on", "off"].enumerated() {
                results.append(try await Self.restart(stage, round: round, pacing: pacing))
            }
            try await Self.report(stage, results)
        }
    }

    /// The number of an instance, from which its address follows, after so many restarts.
    private static func number(_ instance: Int, restarts: Int) -> Int { instance + restarts * 1_000 }

    private static func registerAll(_ stage: Stage) async throws {
        for interface in interfaces { try await stage.registry.ensurePath("/dubbo/\(interface)/providers") }
        for instance in 0..<instances {
            try await inAll { try await stage.register($0, number(instance, restarts: 0)) }
        }
    }

    private static func inAll(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for interface in interfaces { group.addTask { try await body(interface) } }
        }
    }

    private static func restart(_ stage: Stage, round: Int, pacing: String) async throws -> Outcome {
        let namespace = "pacing-\(pacing)"
        try await stage.server.createNamespace(namespace)
        let wanted = { (restarts: Int) in
            Set((0..<instances).map { Stage.address(number($0, restarts: restarts)) })
        }
        let cluster = Cluster(stage: stage, namespace: namespace)
        var result = Outcome(pacing: pacing)
        try await stage.withBridge(namespace: namespace, pause: pacing == "on" ? "130ms" : "0") { bridge in
            try await cluster.wait(for: wanted(round))
            try await Task.sleep(for: quietTime)
            let requests = try stage.bridgeRequests().count
            let before = try Usage(stage, bridge)
            let start = ContinuousClock.now
            var departures: [String: ContinuousClock.Instant] = [:]
            let watch = Task { try await cluster.disappearances(ofObject: 0) }
            for instance in 0..<instances {
                try await Task.sleep(until: start + interval * instance)
                let old = number(instance, restarts: round)
                departures[Stage.address(old)] = .now
                try await inAll { try await stage.deregister($0, old) }
                try await Task.sleep(for: absence)
                try await inAll { try await stage.register($0, number(instance, restarts: round + 1)) }
            }
            let end = ContinuousClock.now
            try await cluster.wait(for: wanted(round + 1))
            result.untilEqual = end.duration(to: .now)
            result.restart = start.duration(to: end)
            result.usage = try Usage(stage, bridge) - before
            // The audit log may be a moment behind.
            try await Task.sleep(for: .seconds(1))
            watch.cancel()
            let gone = try await watch.value
            result.stale = departures.compactMap { address, time in gone[address].map { time.duration(to: $0) } }
            result.writes = try stage.bridgeRequests().dropFirst(requests).filter {
                $0.isWrite && $0.resource == Stage.entries.plural
            }
        }
        return result
    }

    private static func report(_ stage: Stage, _ results: [Outcome]) async throws {
        var report = MeasurementReport(
            """
            \(interfaces.count) interfaces, \(instances) instances restarted one after the other: \
            \(grouped(2 * interfaces.count * instances)) changes of the registry
            """, columns: [""] + results.map { "pacing \($0.pacing)" })
        for (name, value) in Outcome.rows { report.add([name] + results.map(value)) }
        report.show(command: "scripts/benchmark rolling-restart", versions: try await stage.versions())
    }
}
