package import NIOCore
package import ZooKeeper

extension ZnodeTree {
    struct Znode: Sendable {
        var data = ByteBuffer()
        var creationZxid: Int64 = 0
        var modificationZxid: Int64 = 0
        var childModificationZxid: Int64 = 0
        var creationTime: Int64 = 0
        var modificationTime: Int64 = 0
        var version: Int32 = 0
        /// How many children were ever created: the number that the next sequential one gets.
        var childCreations: Int32 = 0
        var ephemeralOwner: Int64 = 0
        var acl: [ACL] = .open
        var aclVersion: Int32 = 0
        var children: Set<String> = []

        var stat: Stat {
            Stat(
                creationZxid: creationZxid, modificationZxid: modificationZxid, creationTime: creationTime,
                modificationTime: modificationTime, version: version,
                // The children that came and those that went (`DataNode.copyStat`).
                childVersion: childCreations * 2 - Int32(children.count),
                aclVersion: aclVersion, ephemeralOwner: ephemeralOwner, dataLength: Int32(data.readableBytes),
                childCount: Int32(children.count), childModificationZxid: childModificationZxid)
        }
    }

    /// The fields of a znode in an answer.
    package enum Reply: Hashable, Sendable {
        case children([String], Stat)
        case data(ByteBuffer, Stat)
        case stat(Stat)
        case acl([ACL], Stat)
        /// Of that many steps.
        case multi(MultiReply, count: Int)
        case created(path: String, Stat)
        case synced(path: String)
        /// There is nothing to say but that it is done.
        case done
    }

    static func parent(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }
}
