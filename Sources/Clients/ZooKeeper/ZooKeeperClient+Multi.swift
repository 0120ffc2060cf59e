extension ZooKeeperClient {
    /// Carries out all steps as one transaction, or none of them (`ZooKeeper.multi` of the Java client).
    ///
    /// The steps together are one request. The server's `jute.maxbuffer` limits its size, 1 MiB by default; a larger
    /// request costs the connection.
    /// - Returns: The result of each step, in their order. No results for no steps.
    /// - Throws: `ZooKeeperError`. When a step failed, `operationIndex`, `code` and `path` describe it, and no step
    ///   took effect. When `isOutcomeUnknown` is set, all steps took effect or none.
    @discardableResult
    public func multi(_ operations: [MultiOperation]) async throws(ZooKeeperError) -> [MultiResult] {
        guard !operations.isEmpty else { return [] }
        var moved: [MultiOperation] = []
        moved.reserveCapacity(operations.count)
        for (index, operation) in operations.enumerated() {
            do throws(ZooKeeperError) {
                moved.append(operation.moved(to: try target(of: operation)))
            } catch {
                throw ZooKeeperError(error.code, path: error.path, message: error.message, operationIndex: index)
            }
        }
        let reply = try await perform(.multi(moved), nil) { (reply) throws(JuteError) in
            try MultiReply(reading: &reply)
        }
        switch reply {
        case .done(let results):
            return results.map { if case .created(let path) = $0 { .created(path: withoutChroot(path)) } else { $0 } }
        case .failed(let index, let code):
            let path = operations.indices.contains(index) ? operations[index].path : nil
            throw ZooKeeperError(code, path: path, operationIndex: index)
        }
    }

    private nonisolated func target(of operation: MultiOperation) throws(ZooKeeperError) -> String {
        guard case .create(let path, _, let mode, _) = operation.step else { return try absolute(operation.path) }
        try mode.validate(for: path)
        return try absolute(path, isPrefix: mode.isSequential)
    }
}
