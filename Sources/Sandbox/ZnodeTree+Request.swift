package import NIOCore
package import ZooKeeper

extension ZnodeTree {
    /// Carries out a request.
    ///
    /// - Parameter session: Whose request it is; `nil` for one that came from no session, which can't watch anything and
    ///   owns nothing.
    package mutating func perform(_ operation: Operation, session: Int64?, now: NIODeadline) -> Outcome {
        if let session, sessions[session] == nil {
            return Outcome(notifications: [], result: .failure(ZooKeeperError(.sessionExpired)))
        }
        var notifications: [Notification] = []
        do throws(ZooKeeperError) {
            let reply = try reply(to: operation, session: session, now: now, &notifications)
            return Outcome(notifications: notifications, result: .success(reply))
        } catch {
            return Outcome(notifications: notifications, result: .failure(error))
        }
    }

    private mutating func reply(
        to operation: Operation, session: Int64?, now: NIODeadline, _ notifications: inout [Notification]
    ) throws(ZooKeeperError) -> Reply {
        switch operation {
        case .getChildren(let path, let watch):
            let node = try read(path)
            if watch { childWatches.add(path, for: session, mode: .once) }
            return .children(Array(node.children), node.stat)
        case .getData(let path, let watch):
            let node = try read(path)
            if watch { dataWatches.add(path, for: session, mode: .once) }
            return .data(node.data, node.stat)
        case .exists(let path, let watch):
            if let refusal = refusals[path] { throw ZooKeeperError(refusal, path: path) }
            // Of all reads only this one watches a znode that isn't there.
            if watch { dataWatches.add(path, for: session, mode: .once) }
            return .stat(try read(path).stat)
        case .create(let path, let data, let mode):
            let owner = try owner(mode, session: session, path: path)
            return try create(path, data: data, isSequential: mode.isSequential, owner: owner, now: now, &notifications)
        case .setData(let path, let data, let version):
            return try setData(path, to: data, version: version, now: now, &notifications)
        case .delete(let path, let version):
            try delete(path, version: version, &notifications)
            return .done
        case .sync(let path):
            return .synced(path: path)
        case .addWatch(let path, let mode):
            guard settings.supportsAddWatch else { throw ZooKeeperError(.unimplemented, path: path) }
            dataWatches.add(path, for: session, mode: .init(mode))
            childWatches.add(path, for: session, mode: .init(mode))
            return .done
        case .closeSession:
            if let session { notifications += endSession(session) }
            return .done
        }
    }

    private func read(_ path: String) throws(ZooKeeperError) -> Znode {
        if let refusal = refusals[path] { throw ZooKeeperError(refusal, path: path) }
        guard let node = nodes[path] else { throw ZooKeeperError(.noNode, path: path) }
        return node
    }

    private func owner(_ mode: CreateMode, session: Int64?, path: String) throws(ZooKeeperError) -> Int64 {
        guard mode.isEphemeral else { return 0 }
        guard let session else {
            throw ZooKeeperError(.badArguments, path: path, message: "an ephemeral znode needs a session that owns it")
        }
        return session
    }
}

extension CreateMode {
    fileprivate var isSequential: Bool { self == .persistentSequential || self == .ephemeralSequential }
    fileprivate var isEphemeral: Bool { self == .ephemeral || self == .ephemeralSequential }
}
