public import NIOCore

/// One step of a `multi` (`org.apache.zookeeper.Op`). The server carries out all steps or none.
///
/// Later versions may add steps.
public struct MultiOperation: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case create(_ path: String, data: ByteBuffer, mode: CreateMode, acl: [ACL])
        case setData(of: String, to: ByteBuffer, version: Int32)
        case delete(_ path: String, version: Int32)
        case check(_ path: String, version: Int32)
    }

    package let step: Step

    package init(_ step: Step) {
        self.step = step
    }

    /// Creates a znode. Its parent must exist, or an earlier step must create it.
    /// - Parameter acl: The access control list of the znode; not empty.
    public static func create(
        _ path: String, data: ByteBuffer = ByteBuffer(), mode: CreateMode = .persistent, acl: [ACL] = .open
    ) -> MultiOperation {
        MultiOperation(.create(path, data: data, mode: mode, acl: acl))
    }

    /// Sets the data of a znode.
    /// - Parameter version: The version that the data must have; −1 for any.
    public static func setData(of path: String, to data: ByteBuffer, version: Int32 = -1) -> MultiOperation {
        MultiOperation(.setData(of: path, to: data, version: version))
    }

    /// Deletes a znode without children.
    /// - Parameter version: The version that the data must have; −1 for any.
    public static func delete(_ path: String, version: Int32 = -1) -> MultiOperation {
        MultiOperation(.delete(path, version: version))
    }

    /// Changes nothing. The transaction fails when the znode is missing or its data has another version.
    /// - Parameter version: The version that the data must have; −1 for any.
    public static func check(_ path: String, version: Int32) -> MultiOperation {
        MultiOperation(.check(path, version: version))
    }

    /// The path of the znode that the step concerns, as the caller gave it.
    public var path: String {
        switch step {
        case .create(let path, _, _, _), .setData(let path, _, _), .delete(let path, _), .check(let path, _): path
        }
    }
}

/// The result of one step of a `multi` that succeeded (`org.apache.zookeeper.OpResult`).
///
/// Later versions may add cases: a `switch` in another package needs `@unknown default`.
#if hasAttribute(nonexhaustive)
    @nonexhaustive
#endif
public enum MultiResult: Hashable, Sendable {
    /// The znode was created. For a sequential znode the path ends with its number.
    case created(path: String)
    /// The data was set; the stat is the one after it.
    case dataSet(Stat)
    case deleted
    case checked
}

extension MultiOperation {
    package var code: OpCode {
        switch step {
        case .create(_, _, let mode, _): mode.code
        case .setData: .setData
        case .delete: .delete
        case .check: .check
        }
    }

    /// The same step on another path.
    func moved(to path: String) -> MultiOperation {
        switch step {
        case .create(_, let data, let mode, let acl): .create(path, data: data, mode: mode, acl: acl)
        case .setData(_, let data, let version): .setData(of: path, to: data, version: version)
        case .delete(_, let version): .delete(path, version: version)
        case .check(_, let version): .check(path, version: version)
        }
    }

    func writeBody(to buffer: inout ByteBuffer) {
        buffer.writeJuteString(path)
        switch step {
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
