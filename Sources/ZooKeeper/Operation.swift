package import NIOCore

/// How a created znode lives (`CreateMode`).
public enum CreateMode: Int32, Sendable, Hashable {
    case persistent = 0
    /// Goes when the session that made it ends.
    case ephemeral = 1
    /// Gets a number, unique among its siblings, at the end of its name.
    case persistentSequential = 2
    case ephemeralSequential = 3
}

/// What a persistent watch covers (`AddWatchMode`, ZooKeeper 3.6 and later).
public enum WatchMode: Int32, Sendable, Hashable {
    /// The znode and the list of its children.
    case persistent = 0
    /// The znode and everything below it, now and later. Tells of each znode that is created, deleted or changed.
    case persistentRecursive = 1
}

/// A request, with its path as the server knows it.
package enum Operation: Hashable, Sendable {
    case getChildren(path: String, watch: Bool)
    case getData(path: String, watch: Bool)
    case exists(path: String, watch: Bool)
    case create(path: String, data: ByteBuffer, mode: CreateMode)
    case setData(path: String, data: ByteBuffer, version: Int32)
    case delete(path: String, version: Int32)
    case sync(path: String)
    case addWatch(path: String, mode: WatchMode)
    case closeSession

    package var code: OpCode {
        switch self {
        case .getChildren: .getChildren
        case .getData: .getData
        case .exists: .exists
        case .create: .create
        case .setData: .setData
        case .delete: .delete
        case .sync: .sync
        case .addWatch: .addWatch
        case .closeSession: .closeSession
        }
    }

    package func frame(xid: Int32) -> ByteBuffer {
        .zooKeeperFrame { buffer in
            buffer.writeInteger(xid)
            buffer.writeInteger(code.rawValue)
            writeBody(to: &buffer)
        }
    }

    private func writeBody(to buffer: inout ByteBuffer) {
        switch self {
        case .getChildren(let path, let watch), .getData(let path, let watch), .exists(let path, let watch):
            buffer.writeJuteString(path)
            buffer.writeJuteBool(watch)
        case .create(let path, let data, let mode):
            buffer.writeJuteString(path)
            buffer.writeJuteBuffer(data)
            // One entry: everyone may do everything (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
            buffer.writeInteger(1, as: Int32.self)
            buffer.writeInteger(31, as: Int32.self)
            buffer.writeJuteString("world")
            buffer.writeJuteString("anyone")
            buffer.writeInteger(mode.rawValue)
        case .setData(let path, let data, let version):
            buffer.writeJuteString(path)
            buffer.writeJuteBuffer(data)
            buffer.writeInteger(version)
        case .delete(let path, let version):
            buffer.writeJuteString(path)
            buffer.writeInteger(version)
        case .sync(let path):
            buffer.writeJuteString(path)
        case .addWatch(let path, let mode):
            buffer.writeJuteString(path)
            buffer.writeInteger(mode.rawValue)
        case .closeSession:
            break
        }
    }
}
