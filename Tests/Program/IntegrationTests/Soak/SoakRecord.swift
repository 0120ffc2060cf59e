internal import Foundation
internal import Kubernetes
internal import Synchronization

/// What everyone in a soak shares: the model of the registry, what the cluster showed, and the log of what was done.
final class SoakRecord: Sendable {
    struct State: Sendable {
        var registry = SoakRegistry()
        var invariants = SoakInvariants()
        var memory = MemoryCurve()
        var actions: [String] = []
        var faults: [String: Int] = [:]
        var changes = 0
        var wrongs: [String] = []
        /// The longest time until everything was as registered, from the end of all faults, and what took it.
        var slowestCalm = (time: Duration.zero, last: [String]())
        var calms = 0
        var holds = 0
        var isRoundOver = false
    }

    let seed: UInt64
    private let state = Mutex(State())
    private let start = ContinuousClock.now

    init(seed: UInt64) {
        self.seed = seed
    }

    @discardableResult
    func update<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    var elapsed: Duration { start.duration(to: .now) }
    var registry: SoakRegistry { state.withLock { $0.registry } }
    var memory: MemoryCurve { state.withLock { $0.memory } }
    /// What was seen that must never be.
    var wrongs: [String] { state.withLock { $0.wrongs } }
    /// Whether those who change and break things are to come to an end.
    var isRoundOver: Bool { state.withLock { $0.isRoundOver || !$0.wrongs.isEmpty } }

    func log(_ action: String) {
        let time = elapsed
        state.withLock { $0.actions.append("\(time.inSeconds)  \(action)") }
    }

    /// - Parameter fault: As it is counted.
    func log(fault: String, _ details: String) {
        state.withLock { $0.faults[fault, default: 0] += 1 }
        log("fault: \(fault)\(details)")
    }

    func take(_ event: WatcherEvent) {
        let wrongs = state.withLock { state in
            let wrongs = state.invariants.handle(event, state.registry)
            state.wrongs += wrongs
            return wrongs
        }
        for wrong in wrongs { log("WRONG: \(wrong)") }
    }

    func wrong(_ text: String) {
        state.withLock { $0.wrongs.append(text) }
        log("WRONG: \(text)")
    }
}

// MARK: - What is told

extension SoakRecord {
    func lastActions(_ count: Int) -> String { state.withLock { $0.actions.suffix(count).joined(separator: "\n") } }

    func writeActions(to folder: String) {
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? Data(lastActions(.max).utf8).write(to: URL(fileURLWithPath: folder + "/actions.log"))
    }

    func report(writes: [String: Int]) -> String {
        let state = state.withLock { $0 }
        func table(_ counts: [String: Int]) -> String {
            counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        return """
            soak: seed \(seed), \(elapsed.inSeconds) s, \(state.changes) changes of the registry, \
            \(state.invariants.observations) observations of objects
            soak: \(state.calms) calms, each with everything as registered, after \(state.slowestCalm.time.inSeconds) s at most; \
            \(state.holds) net losses held
            soak: the last that came right then: \(state.slowestCalm.last.first?.prefix(300) ?? "nothing had to")
            soak: writes: \(table(writes))
            soak: faults: \(table(state.faults))
            \(state.memory.text.split(separator: "\n").map { "soak: \($0)" }.joined(separator: "\n"))
            """
    }
}

extension Duration {
    /// With one decimal.
    var inSeconds: String {
        let tenths = Int64(self / .milliseconds(100))
        return "\(tenths / 10).\(tenths % 10)"
    }
}
