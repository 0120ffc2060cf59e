package import NIOCore

/// A request. Its path includes the chroot.
package enum Operation: Hashable, Sendable {
    case getChildren(path: String, watch: Bool)
    case getChildrenAndStat(path: String, watch: Bool)
    case getData(path: String, watch: Bool)
    case exists(path: String, watch: Bool)
    case create(path: String, data: ByteBuffer, mode: CreateMode, acl: [ACL] = .open)
    case setData(path: String, data: ByteBuffer, version: Int32)
    case delete(path: String, version: Int32)
    case getACL(path: String)
    case setACL(path: String, acl: [ACL], version: Int32)
    case sync(path: String)
    case addWatch(path: String, mode: WatchMode)
    case removeWatches(path: String, kind: WatchKind)
    case multi([MultiOperation])
    case closeSession

    package var code: OpCode {
        switch self {
        case .getChildren: .getChildren
        case .getChildrenAndStat: .getChildren2
        case .getData: .getData
        case .exists: .exists
        case .create(_, _, let mode, _): mode.code
        case .setData: .setData
        case .delete: .delete
        case .getACL: .getACL
        case .setACL: .setACL
        case .sync: .sync
        case .addWatch: .addWatch
        case .removeWatches: .removeWatches
        case .multi: .multi
        case .closeSession: .closeSession
        }
    }

    /// Whether the request changes znodes, so that its outcome matters when the reply is missing.
    var isWrite: Bool {
        switch self {
        case .create, .setData, .delete, .setACL, .multi: true
        case .getChildren, .getChildrenAndStat, .getData, .exists, .getACL, .sync, .addWatch, .removeWatches,
            .closeSession:
            false
        }
    }

    /// The request as it goes onto the wire: length, header, body.
    package func frame(xid: Int32) -> ByteBuffer {
        .zooKeeperFrame { buffer in
            buffer.writeInteger(xid)
            buffer.writeInteger(code.rawValue)
            writeBody(to: &buffer)
        }
    }

    private func writeBody(to buffer: inout ByteBuffer) {
        switch self {
        case .getChildren(let path, let watch), .getChildrenAndStat(let path, let watch),
            .getData(let path, let watch), .exists(let path, let watch):
            buffer.writeJuteString(path)
            buffer.writeJuteBool(watch)
        case .create(let path, let data, let mode, let acl):
            MultiOperation.create(path, data: data, mode: mode, acl: acl).writeBody(to: &buffer)
        case .setData(let path, let data, let version):
            MultiOperation.setData(of: path, to: data, version: version).writeBody(to: &buffer)
        case .delete(let path, let version):
            MultiOperation.delete(path, version: version).writeBody(to: &buffer)
        case .getACL(let path), .sync(let path):
            buffer.writeJuteString(path)
        case .setACL(let path, let acl, let version):
            buffer.writeJuteString(path)
            buffer.writeJuteACL(acl)
            buffer.writeInteger(version)
        case .addWatch(let path, let mode):
            buffer.writeJuteString(path)
            buffer.writeInteger(mode.rawValue)
        case .removeWatches(let path, let kind):
            buffer.writeJuteString(path)
            buffer.writeInteger(kind.rawValue)
        case .multi(let operations):
            for operation in operations {
                MultiHeader(type: operation.code.rawValue, isEnd: false, error: -1).write(to: &buffer)
                operation.writeBody(to: &buffer)
            }
            MultiHeader.end.write(to: &buffer)
        case .closeSession:
            break
        }
    }
}
