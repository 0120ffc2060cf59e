public import NIOCore

/// One step of a `multi`: all of its steps happen, or none does (`org.apache.zookeeper.Op`).
public enum MultiOperation: Hashable, Sendable {
    /// - Parameter acl: Who may do what with the znode.
    case create(_ path: String, data: ByteBuffer = ByteBuffer(), mode: CreateMode = .persistent, acl: [ACL] = .open)
    /// - Parameter version: The version that the data must have; −1 for any.
    case setData(of: String, to: ByteBuffer, version: Int32 = -1)
    /// - Parameter version: The version that the data must have; −1 for any.
    case delete(_ path: String, version: Int32 = -1)
    /// Changes nothing, and fails when the znode is missing or its data has another version; −1 for any.
    case check(_ path: String, version: Int32)

    public var path: String {
        switch self {
        case .create(let path, _, _, _), .setData(let path, _, _), .delete(let path, _), .check(let path, _): path
        }
    }
}

/// What became of one step of a `multi` that succeeded, in the order of the steps (`org.apache.zookeeper.OpResult`).
public enum MultiResult: Hashable, Sendable {
    /// The path it got, which for a sequential znode has its number at the end.
    case created(path: String)
    case dataSet(Stat)
    case deleted
    case checked
}

extension MultiOperation {
    package var code: OpCode {
        switch self {
        case .create(_, _, let mode, _): mode.code
        case .setData: .setData
        case .delete: .delete
        case .check: .check
        }
    }

    /// The same step on another path.
    func moved(to path: String) -> MultiOperation {
        switch self {
        case .create(_, let data, let mode, let acl): .create(path, data: data, mode: mode, acl: acl)
        case .setData(_, let data, let version): .setData(of: path, to: data, version: version)
        case .delete(_, let version): .delete(path, version: version)
        case .check(_, let version): .check(path, version: version)
        }
    }

    func writeBody(to buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        switch self {
        case .create(_, let data, let mode, let acl):
            buffer.writeJuteBuffer(data)
            buffer.writeJuteACL(acl)
            buffer.writeInteger(mode.flags)
            if let timeToLive = mode.timeToLive { buffer.writeInteger(timeToLive) }
        case .setData(_, let data, let version):
            buffer.writeJuteBuffer(data)
            buffer.writeInteger(version)
        case .delete(_, let version), .check(_, let version):
            buffer.writeInteger(version)
        }
    }
}
