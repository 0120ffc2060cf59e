package import NIOCore
package import ZooKeeper

extension ZnodeTree {
    /// Carries out a request.
    ///
    /// - Parameter session: Whose request it is; `nil` for one that came from no session, which can't watch anything
    ///   and owns nothing.
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

    mutating func reply(
        to operation: Operation, session: Int64?, now: NIODeadline, _ notifications: inout [Notification]
    ) throws(ZooKeeperError) -> Reply {
        switch operation {
        case .getChildren(let path, let watch), .getChildrenAndStat(let path, let watch):
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
        case .create(let path, let data, let mode, let acl):
            let owner = try owner(mode, session: session, path: path)
            return try create(
                path, data: data, isSequential: mode.isSequential, owner: owner, acl: acl, now: now, &notifications)
        case .setData(let path, let data, let version):
            return try setData(path, to: data, version: version, now: now, &notifications)
        case .delete(let path, let version):
            try delete(path, version: version, &notifications)
            return .done
        case .getACL(let path):
            let node = try read(path)
            return .acl(node.acl, node.stat)
        case .setACL(let path, let acl, let version):
            return try setACL(path, to: acl, version: version)
        case .multi(let steps):
            return .multi(multi(steps, session: session, now: now, &notifications), count: steps.count)
        case .sync(let path):
            syncCount += 1
            return .synced(path: path)
        case .addWatch(let path, let mode):
            guard settings.supportsAddWatch else { throw ZooKeeperError(.unimplemented, path: path) }
            dataWatches.add(path, for: session, mode: .init(mode))
            childWatches.add(path, for: session, mode: .init(mode))
            return .done
        case .removeWatches(let path, let kind):
            try removeWatches(path, kind, session: session)
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

    private mutating func removeWatches(_ path: String, _ kind: WatchKind, session: Int64?) throws(ZooKeeperError) {
        guard let session else { return }
        let data = kind != .children && dataWatches.remove(path, of: session)
        let children = kind != .data && childWatches.remove(path, of: session)
        guard data || children else { throw ZooKeeperError(.noWatcher, path: path) }
    }
}
