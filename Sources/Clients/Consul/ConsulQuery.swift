internal import HTTP

/// Where the services of a query are. What is not named is that of the agent.
package struct ConsulScope: Hashable, Sendable {
    package var datacenter: String?
    /// Enterprise only.
    package var namespace: String?
    /// Enterprise only.
    package var partition: String?

    package init(datacenter: String? = nil, namespace: String? = nil, partition: String? = nil) {
        self.datacenter = datacenter
        self.namespace = namespace
        self.partition = partition
    }

    var parameters: [HTTPRequest.Pair] {
        [("dc", datacenter), ("ns", namespace), ("partition", partition)].compactMap { name, value in
            value.map { (name: name, value: $0) }
        }
    }
}

extension ConsulScope: CustomStringConvertible {
    /// The parts that are named, from the largest to the smallest.
    package var description: String {
        [datacenter, partition, namespace].compactMap(\.self).joined(separator: "/")
    }
}

/// How a query is to be answered.
package enum ConsulMode: Hashable, Sendable {
    /// By the leader, so that the answer is no older than the query.
    case leader
    /// By any server, which may lag.
    case stale
    /// By any server, as soon as the answer's index is above this one, or this time is over.
    case blocking(after: UInt64, wait: Duration)

    var parameters: [HTTPRequest.Pair] {
        switch self {
        case .leader: [("leader", "")]
        case .stale: [("stale", "")]
        case .blocking(let index, let wait):
            [("stale", ""), ("index", "\(index)"), ("wait", "\(max(wait.components.seconds, 1))s")]
        }
    }

    /// How long the server may hold the query. It adds up to a sixteenth by chance.
    var hold: Duration {
        if case .blocking(_, let wait) = self { wait + wait / 16 } else { .zero }
    }
}

/// An answer with what its headers say of it.
package struct ConsulAnswer<Value: Sendable>: Sendable {
    package var value: Value
    /// For the next blocking query; 0 where the server gave none.
    package var index: UInt64
    /// Whether the token may not see all that the answer would have (1.11 and later, for tokens that are valid).
    package var isFiltered: Bool
    /// Whether it comes from a stream of events. Such an answer says neither whether it is filtered nor how old it is.
    package var isStreamed: Bool

    package init(_ value: Value, index: UInt64, isFiltered: Bool = false, isStreamed: Bool = false) {
        self.value = value
        self.index = index
        self.isFiltered = isFiltered
        self.isStreamed = isStreamed
    }
}

/// The index of the next blocking query for one thing.
package struct BlockingIndex: Hashable, Sendable {
    /// 0 for a query that is answered at once.
    package private(set) var value: UInt64 = 0

    package init() {}

    package enum Outcome: Hashable, Sendable {
        case taken
        /// The index is lower than it was: the server was restored from a backup or wiped, or it lags behind the one
        /// that was asked before. Only the leader can tell.
        case wentBack
    }

    /// Takes over the index of an answer.
    package mutating func answered(_ index: UInt64) -> Outcome {
        if index < value {
            value = 0
            return .wentBack
        }
        value = index
        return .taken
    }

    /// After a failure the next query must not block: an index from before a wipe would block for the whole wait.
    package mutating func failed() { value = 0 }
}
