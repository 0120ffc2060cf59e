package import NIOCore

/// What stands before the body of each request.
package struct RequestHeader: Hashable, Sendable {
    package var xid: Int32
    /// A value of `OpCode`, or of an operation that it doesn't have.
    package var type: Int32

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        xid = try buffer.readJuteInt()
        type = try buffer.readJuteInt()
    }
}

/// The server's side of `frame(xid:)`.
extension Operation {
    /// Reads the body of a request; `nil` for a ping, which asks for nothing.
    ///
    /// `create2` and `getChildren2` become `create` and `getChildren`: only their replies differ. Access control lists
    /// are read and dropped.
    package init?(reading buffer: inout ByteBuffer, code: OpCode) throws(JuteError) {
        switch code {
        case .ping:
            return nil
        case .getChildren, .getChildren2:
            self = .getChildren(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .getData:
            self = .getData(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .exists:
            self = .exists(path: try buffer.readJutePath(), watch: try buffer.readJuteBool())
        case .create, .create2:
            let path = try buffer.readJutePath()
            let data = try buffer.readJuteBuffer() ?? ByteBuffer()
            _ = try buffer.readJuteVector(elementSize: 12) { (buffer) throws(JuteError) in
                _ = try buffer.readJuteInt()
                _ = try buffer.readJuteString()
                _ = try buffer.readJuteString()
            }
            let flags = try buffer.readJuteInt()
            guard let mode = CreateMode(rawValue: flags) else { throw JuteError("there is no create mode \(flags)") }
            self = .create(path: path, data: data, mode: mode)
        case .setData:
            self = .setData(
                path: try buffer.readJutePath(), data: try buffer.readJuteBuffer() ?? ByteBuffer(),
                version: try buffer.readJuteInt())
        case .delete:
            self = .delete(path: try buffer.readJutePath(), version: try buffer.readJuteInt())
        case .sync:
            self = .sync(path: try buffer.readJutePath())
        case .addWatch:
            let path = try buffer.readJutePath()
            let number = try buffer.readJuteInt()
            guard let mode = WatchMode(rawValue: number) else { throw JuteError("there is no watch mode \(number)") }
            self = .addWatch(path: path, mode: mode)
        case .closeSession:
            self = .closeSession
        }
    }
}
