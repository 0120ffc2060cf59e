package import NIOCore

/// The header of every request but the handshake (`RequestHeader`).
package struct RequestHeader: Hashable, Sendable {
    package var xid: Int32
    /// A value of `OpCode`, or the code of an operation that `OpCode` does not list.
    package var type: Int32

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        xid = try buffer.readJuteInt()
        type = try buffer.readJuteInt()
    }
}

/// The reverse of `frame(xid:)`, for a server.
extension Operation {
    /// Reads the body of a request; `nil` for a ping and for a credential, which are not operations.
    ///
    /// `create2` becomes `create`. The two differ in their replies only.
    package init?(reading buffer: inout ByteBuffer, code: OpCode) throws(JuteError) {
        switch code {
        case .ping, .auth:
            return nil
        case .getChildren:
            self = .getChildren(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .getChildren2:
            self = .getChildrenAndStat(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .getData:
            self = .getData(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .exists:
            self = .exists(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .create, .create2, .createContainer, .createTTL, .setData, .delete, .check:
            let step = try MultiOperation(reading: &buffer, code: code)
            guard let operation = Operation(step) else { throw JuteError("a check is only valid in a multi") }
            self = operation
        case .getACL:
            self = .getACL(path: try buffer.readJutePath())
        case .setACL:
            self = .setACL(
                path: try buffer.readJutePath(), acl: try buffer.readJuteACL(), version: try buffer.readJuteInt())
        case .sync:
            self = .sync(path: try buffer.readJutePath())
        case .addWatch:
            let path = try buffer.readJutePath()
            let number = try buffer.readJuteInt()
            guard let mode = WatchMode(rawValue: number) else { throw JuteError("watch mode \(number) is unknown") }
            self = .addWatch(path: path, mode: mode)
        case .removeWatches:
            let path = try buffer.readJutePath()
            let number = try buffer.readJuteInt()
            guard let kind = WatchKind(rawValue: number) else { throw JuteError("watch kind \(number) is unknown") }
            self = .removeWatches(path: path, kind: kind)
        case .multi:
            var operations: [MultiOperation] = []
            while true {
                let header = try MultiHeader(reading: &buffer)
                if header.isEnd { break }
                guard let code = OpCode(rawValue: header.type) else {
                    throw JuteError("operation \(header.type) is unknown")
                }
                operations.append(try MultiOperation(reading: &buffer, code: code))
            }
            self = .multi(operations)
        case .closeSession:
            self = .closeSession
        }
    }

    /// The step as a request of its own; `nil` for a check, which is only valid in a `multi`.
    package init?(_ operation: MultiOperation) {
        switch operation.step {
        case .create(let path, let data, let mode, let acl):
            self = .create(path: path, data: data, mode: mode, acl: acl)
        case .setData(let path, let data, let version): self = .setData(path: path, data: data, version: version)
        case .delete(let path, let version): self = .delete(path: path, version: version)
        case .check: return nil
        }
    }
}

extension MultiOperation {
    init(reading buffer: inout ByteBuffer, code: OpCode) throws(JuteError) {
        let path = try buffer.readJutePath()
        switch code {
        case .create, .create2, .createContainer, .createTTL:
            let data = try buffer.readJuteBuffer() ?? ByteBuffer()
            let acl = try buffer.readJuteACL()
            let flags = try buffer.readJuteInt()
            let timeToLive = code == .createTTL ? try buffer.readJuteLong() : 0
            guard let mode = CreateMode(flags: flags, timeToLive: timeToLive) else {
                throw JuteError("create mode \(flags) is unknown")
            }
            self = .create(path, data: data, mode: mode, acl: acl)
        case .setData:
            self = .setData(
                of: path, to: try buffer.readJuteBuffer() ?? ByteBuffer(), version: try buffer.readJuteInt())
        case .delete: self = .delete(path, version: try buffer.readJuteInt())
        case .check: self = .check(path, version: try buffer.readJuteInt())
        default: throw JuteError("\(code) is not valid in a multi")
        }
    }
}
