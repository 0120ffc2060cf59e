internal import NIOCore
internal import ZooKeeper

extension ZnodeTree {
    /// All steps, or none. Each step takes a transaction number of its own, where a real server gives all of them one.
    mutating func multi(
        _ steps: [MultiOperation], session: Int64?, now: NIODeadline, _ notifications: inout [Notification]
    ) -> MultiReply {
        var trial = self
        var told: [Notification] = []
        var results: [MultiResult] = []
        for (index, step) in steps.enumerated() {
            do throws(ZooKeeperError) {
                results.append(try trial.carryOut(step, session: session, now: now, &told))
            } catch {
                zxid += 1
                return .failed(index: index, error.code)
            }
        }
        self = trial
        notifications += told
        return .done(results)
    }

    private mutating func carryOut(
        _ step: MultiOperation, session: Int64?, now: NIODeadline, _ notifications: inout [Notification]
    ) throws(ZooKeeperError) -> MultiResult {
        if case .check(let path, let version) = step.step {
            guard let node = nodes[path] else { throw ZooKeeperError(.noNode, path: path) }
            guard version == -1 || version == node.version else { throw ZooKeeperError(.badVersion, path: path) }
            return .checked
        }
        guard let operation = Operation(step) else { throw ZooKeeperError(.badArguments, path: step.path) }
        switch try reply(to: operation, session: session, now: now, &notifications) {
        case .created(let path, _): return .created(path: path)
        case .stat(let stat): return .dataSet(stat)
        default: return .deleted
        }
    }
}
