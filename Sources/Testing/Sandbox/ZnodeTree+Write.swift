internal import NIOCore
internal import ZooKeeper

extension ZnodeTree {
    mutating func create(
        _ wish: String, data: ByteBuffer, isSequential: Bool, owner: Int64, acl: [ACL], now: NIODeadline,
        _ notifications: inout [Notification]
    ) throws(ZooKeeperError) -> Reply {
        zxid += 1
        guard let parentPath = Self.parent(of: wish) else { throw ZooKeeperError(.badArguments, path: wish) }
        guard let parent = nodes[parentPath] else { throw ZooKeeperError(.noNode, path: wish) }
        let path = isSequential ? wish + Self.sequence(parent.childCreations) : wish
        try validate(path)
        guard !acl.isEmpty else { throw ZooKeeperError(.invalidACL, path: path) }
        guard nodes[path] == nil else { throw ZooKeeperError(.nodeExists, path: path) }
        guard parent.ephemeralOwner == 0 else { throw ZooKeeperError(.noChildrenForEphemerals, path: path) }
        let time = timestamp(now)
        let node = Znode(
            // A copy: the slice would keep the whole buffer that it was read from.
            data: ByteBuffer(bytes: data.readableBytesView),
            creationZxid: zxid, modificationZxid: zxid, childModificationZxid: zxid, creationTime: time,
            modificationTime: time, ephemeralOwner: owner, acl: acl)
        nodes[path] = node
        nodes[parentPath]?.children.insert(Self.name(of: path))
        nodes[parentPath]?.childCreations += 1
        nodes[parentPath]?.childModificationZxid = zxid
        if owner != 0 { sessions[owner]?.ephemerals.insert(path) }
        notifications += dataWatches.fire(.created, path)
        notifications += childWatches.fire(.childrenChanged, parentPath)
        return .created(path: path, node.stat)
    }

    mutating func setData(
        _ path: String, to data: ByteBuffer, version: Int32, now: NIODeadline, _ notifications: inout [Notification]
    ) throws(ZooKeeperError) -> Reply {
        zxid += 1
        try validate(path)
        guard let node = nodes[path] else { throw ZooKeeperError(.noNode, path: path) }
        guard version == -1 || version == node.version else { throw ZooKeeperError(.badVersion, path: path) }
        var changed = node
        changed.data = ByteBuffer(bytes: data.readableBytesView)
        changed.version += 1
        changed.modificationZxid = zxid
        changed.modificationTime = timestamp(now)
        nodes[path] = changed
        notifications += dataWatches.fire(.dataChanged, path)
        return .stat(changed.stat)
    }

    mutating func setACL(_ path: String, to acl: [ACL], version: Int32) throws(ZooKeeperError) -> Reply {
        zxid += 1
        guard let node = nodes[path] else { throw ZooKeeperError(.noNode, path: path) }
        guard !acl.isEmpty else { throw ZooKeeperError(.invalidACL, path: path) }
        guard version == -1 || version == node.aclVersion else { throw ZooKeeperError(.badVersion, path: path) }
        var changed = node
        changed.acl = acl
        changed.aclVersion += 1
        nodes[path] = changed
        return .stat(changed.stat)
    }

    mutating func delete(
        _ path: String, version: Int32, _ notifications: inout [Notification]
    ) throws(ZooKeeperError) {
        zxid += 1
        guard !Self.reserved.contains(path), path.utf8.contains(UInt8(ascii: "/")) else {
            throw ZooKeeperError(.badArguments, path: path)
        }
        guard let node = nodes[path] else { throw ZooKeeperError(.noNode, path: path) }
        guard version == -1 || version == node.version else { throw ZooKeeperError(.badVersion, path: path) }
        guard node.children.isEmpty else { throw ZooKeeperError(.notEmpty, path: path) }
        notifications += remove(path, ownedBy: node.ephemeralOwner)
    }

    /// Takes a znode without children out of the tree, as part of the transaction under way.
    mutating func remove(_ path: String, ownedBy owner: Int64) -> [Notification] {
        let parentPath = Self.parent(of: path) ?? "/"
        nodes[path] = nil
        nodes[parentPath]?.children.remove(Self.name(of: path))
        nodes[parentPath]?.childModificationZxid = zxid
        sessions[owner]?.ephemerals.remove(path)
        // A session that watches both the data and the children hears of the end once.
        let told = dataWatches.fire(.deleted, path)
        let others = childWatches.fire(.deleted, path, except: Set(told.map(\.session)))
        return told + others + childWatches.fire(.childrenChanged, parentPath)
    }

    /// The paths that no client may delete (`ZKDatabase.isSpecialPath`).
    private static let reserved: Set<String> = ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"]

    private static func sequence(_ number: Int32) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(10 - digits.utf8.count, 0)) + digits
    }

    private func validate(_ path: String) throws(ZooKeeperError) {
        do throws(ZooKeeperError) {
            try ZnodePath.validate(path)
        } catch {
            throw ZooKeeperError(.badArguments, path: path, message: error.message)
        }
    }
}
