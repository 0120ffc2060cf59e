internal import IsthmusTesting

/// Something that goes wrong for a while.
enum SoakFault: Sendable, Hashable {
    enum Side: String, Sendable, CaseIterable {
        case registry, cluster
    }

    /// What a network does.
    enum Failure: String, Sendable, CaseIterable {
        case cut = "is cut", reset = "is reset", refuse = "is refused", hole = "is a black hole"
        case oneWay = "loses what goes one way", delay = "is slow", throttle = "is narrow", corrupt = "changes bytes"
    }

    case network(Side, Failure)
    case zooKeeperPaused, zooKeeperKilled
    case apiServerPaused, apiServerKilled, etcdPaused, etcdCompacted
    case bridgePaused, bridgeKilled, bridgeStopped
    case editedByHand, deletedByHand, wantedNameTaken, refused

    /// Faults of one domain don't happen at once.
    enum Domain: Hashable {
        case registry, cluster, bridge, objects
    }

    var domain: Domain {
        switch self {
        case .network(.registry, _), .zooKeeperPaused, .zooKeeperKilled: .registry
        case .network(.cluster, _), .apiServerPaused, .apiServerKilled, .etcdPaused, .etcdCompacted: .cluster
        case .bridgePaused, .bridgeKilled, .bridgeStopped: .bridge
        case .editedByHand, .deletedByHand, .wantedNameTaken, .refused: .objects
        }
    }

    /// As it is counted.
    var name: String {
        switch self {
        case .network(let side, let failure): "\(side.rawValue) network \(failure.rawValue)"
        case .zooKeeperPaused: "ZooKeeper paused"
        case .zooKeeperKilled: "ZooKeeper killed"
        case .apiServerPaused: "API server paused"
        case .apiServerKilled: "API server killed"
        case .etcdPaused: "etcd paused"
        case .etcdCompacted: "etcd compacted"
        case .bridgePaused: "bridge paused"
        case .bridgeKilled: "bridge killed"
        case .bridgeStopped: "bridge stopped"
        case .editedByHand: "object edited"
        case .deletedByHand: "object deleted"
        case .wantedNameTaken: "wanted name taken"
        case .refused: "objects refused"
        }
    }

    /// Each as often as it is likely.
    private static let all: [SoakFault] = {
        var all: [SoakFault] = []
        for side in Side.allCases {
            for failure in Failure.allCases { all.append(.network(side, failure)) }
        }
        all += [.zooKeeperPaused, .zooKeeperKilled, .zooKeeperKilled] as [SoakFault]
        all += [.apiServerPaused, .apiServerKilled, .etcdPaused, .etcdCompacted, .etcdCompacted] as [SoakFault]
        all += [.bridgePaused, .bridgePaused, .bridgeKilled, .bridgeKilled, .bridgeStopped] as [SoakFault]
        all += [.editedByHand, .editedByHand, .editedByHand, .deletedByHand, .deletedByHand] as [SoakFault]
        all += [.wantedNameTaken, .wantedNameTaken, .refused, .refused] as [SoakFault]
        return all
    }()

    /// One fault or two that have nothing to do with each other.
    static func some(using generator: inout SeededGenerator) -> [SoakFault] {
        let first = all[Int.random(in: 0..<all.count, using: &generator)]
        let second = all[Int.random(in: 0..<all.count, using: &generator)]
        return first.domain == second.domain ? [first] : [first, second]
    }
}
