extension ChaosProxy {
    /// The traffic through a proxy since its start.
    public struct Traffic: Sendable, Hashable {
        /// The bytes of one direction, over all connections.
        public struct Bytes: Sendable, Hashable {
            /// Read from the sender.
            public internal(set) var received = 0
            /// Given to the receiver's socket.
            public internal(set) var passed = 0
            /// Lost: in a black hole that loses bytes, or because their connection ended.
            public internal(set) var dropped = 0
            /// Read from the sender, and neither passed nor lost yet.
            public var held: Int { received - passed - dropped }
        }

        /// Connections that lead through to the upstream now, until both sides are closed.
        public internal(set) var connections = 0
        /// Connections of clients that were taken, whatever became of them.
        public internal(set) var accepted = 0
        public internal(set) var toUpstream = Bytes()
        public internal(set) var toClient = Bytes()

        subscript(direction: Direction) -> Bytes {
            get { direction == .toUpstream ? toUpstream : toClient }
            set {
                switch direction {
                case .toUpstream: toUpstream = newValue
                case .toClient: toClient = newValue
                }
            }
        }
    }

    /// Connections that lead through to the upstream now.
    public var connectionCount: Int { traffic.connections }

    /// Returns when at least so many connections lead through to the upstream; after ``cut()`` that means new ones.
    ///
    /// - Throws: ``TestSupportError`` when the proxy stops; `CancellationError`.
    public func waitForConnections(_ count: Int = 1) async throws {
        try await wait { $0.connections >= count }
    }

    /// Returns when the condition holds. It is evaluated now and after each change, so that no state passes unseen.
    ///
    /// - Throws: ``TestSupportError`` when the proxy stops; `CancellationError`.
    public func wait(until condition: @escaping @Sendable (Traffic) -> Bool) async throws {
        if condition(traffic) { return }
        guard !isStopped else { throw stopped }
        // A stream rather than a continuation: it hears of cancellation by itself.
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = Waiter(condition: condition, signal: signal)
        defer { waiters[id] = nil }
        for await _ in signals { return }
        throw isStopped ? stopped : CancellationError()
    }

    struct Waiter {
        let condition: @Sendable (Traffic) -> Bool
        let signal: AsyncStream<Void>.Continuation
    }

    func wakeWaiters() {
        for waiter in waiters.values {
            if waiter.condition(traffic) { waiter.signal.yield() }
            if isStopped { waiter.signal.finish() }
        }
    }

    private var stopped: any Error { TestSupportError("the proxy on port \(port) has stopped") }
}
