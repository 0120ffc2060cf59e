extension ZooKeeperClient {
    /// Carries out all steps as one transaction, or none of them.
    ///
    /// All steps together are one request, for which the server's `jute.maxbuffer` holds.
    /// - Returns: What became of each step, in their order.
    /// - Throws: `ZooKeeperError`. When a step failed, `operationIndex` says which, `code` why and `path` where;
    ///   nothing has happened then. After `connectionLoss` all of it has happened, or nothing.
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
        guard case .create(let path, _, let mode, _) = operation else { return try absolute(operation.path) }
        try mode.validate(for: path)
        return try absolute(path, isPrefix: mode.isSequential)
    }
}
