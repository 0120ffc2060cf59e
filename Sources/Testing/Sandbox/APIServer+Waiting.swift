extension APIServer {
    enum Goal {
        case lifecycle
        case state(@Sendable (ResourceStore) -> Bool)
        case requests(@Sendable (APIServerRequestCounts) -> Bool)
        /// Something after this revision, or the end of all watches of this epoch.
        case watch(cursor: UInt64, epoch: Int)
    }

    struct Waiter {
        let goal: Goal
        let signal: AsyncStream<Void>.Continuation
    }

    /// Returns when `condition` holds. It is evaluated now, and after each change of the store, so that no state passes
    /// unseen.
    ///
    /// - Throws: `CancellationError`.
    package func wait(until condition: @escaping @Sendable (ResourceStore) -> Bool) async throws {
        if condition(store) { return }
        try await wait(for: .state(condition))
    }

    /// Returns when as many requests arrived as `condition` wants. It is evaluated now, and for each request before it
    /// is answered.
    ///
    /// - Throws: `CancellationError`.
    package func waitForRequests(
        until condition: @escaping @Sendable (APIServerRequestCounts) -> Bool
    ) async throws {
        if condition(requestCounts) { return }
        try await wait(for: .requests(condition))
    }

    /// Returns when a watch that stands at `cursor` has something to look at, or shall end.
    func waitForChange(after cursor: UInt64, epoch: Int) async throws {
        guard !isReached(.watch(cursor: cursor, epoch: epoch)) else { return }
        try await wait(for: .watch(cursor: cursor, epoch: epoch))
    }

    func wait(for goal: Goal) async throws {
        // A stream rather than a continuation: it hears of cancellation by itself.
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = nextWaiter
        nextWaiter += 1
        waiters[id] = Waiter(goal: goal, signal: signal)
        defer { waiters[id] = nil }
        for await _ in signals { return }
        throw CancellationError()
    }

    func wakeWaiters() {
        for waiter in waiters.values where isReached(waiter.goal) { waiter.signal.yield() }
    }

    private func isReached(_ goal: Goal) -> Bool {
        switch goal {
        case .lifecycle: true
        case .state(let condition): condition(store)
        case .requests(let condition): condition(requestCounts)
        case .watch(let cursor, let epoch): store.revision > cursor || watchEpoch != epoch
        }
    }
}
