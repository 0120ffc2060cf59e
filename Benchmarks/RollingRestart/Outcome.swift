import Foundation
import IsthmusTesting
import Measuring

/// Processor time.
struct Usage {
    var bridge = Duration.zero
    var server = Duration.zero
    var etcd = Duration.zero

    init() {}

    init(_ stage: Stage, _ bridge: ChildProcess) throws {
        self.bridge = try ProcessUsage(pid: bridge.pid).cpu
        server = try ProcessUsage(pid: stage.server.process.pid).cpu
        etcd = try ProcessUsage(pid: stage.server.etcd.process.pid).cpu
    }

    static func - (left: Usage, right: Usage) -> Usage {
        var difference = Usage()
        difference.bridge = left.bridge - right.bridge
        difference.server = left.server - right.server
        difference.etcd = left.etcd - right.etcd
        return difference
    }
}

/// What was seen of one rolling restart.
struct Outcome {
    var pacing: String
    var writes: [AuditedRequest] = []
    var restart = Duration.zero
    /// From the last change of the registry.
    var untilEqual = Duration.zero
    /// How long one object still had the address of each instance that had left.
    var stale: [Duration] = []
    var usage = Usage()

    init(pacing: String) {
        self.pacing = pacing
    }

    static var rows: [(name: String, value: (Outcome) -> String)] {
        [
            ("the restart took", { $0.restart.text }),
            ("writes to the API server", { "\($0.writes.count)" }),
            ("of them refused", { "\($0.writes.count { ($0.status ?? 200) >= 300 })" }),
            ("most writes in a second", { "\($0.mostInASecond)" }),
            ("last change of the registry → cluster equal", { $0.untilEqual.text }),
            ("an instance leaves → its address is gone, p50", { percentile(50, $0.stale).text }),
            ("… the longest", { percentile(100, $0.stale).text }),
            ("latency of a write at the server, p50", { percentile(50, $0.latencies).text }),
            ("… p99", { percentile(99, $0.latencies).text }),
            ("processor time of the API server", { $0.usage.server.text }),
            ("processor time of etcd", { $0.usage.etcd.text }),
            ("processor time of the bridge", { $0.usage.bridge.text }),
        ]
    }

    private var latencies: [Duration] { writes.compactMap(\.latency) }

    private var mostInASecond: Int {
        Dictionary(grouping: writes) { $0.received.components.seconds }.values.map(\.count).max() ?? 0
    }
}
