package import NIOCore

package struct ConnectRequest: Hashable, Sendable {
    package var lastZxidSeen: Int64
    /// Milliseconds.
    package var timeout: Int32
    package var sessionID: Int64
    package var password: ByteBuffer
    package var readOnly: Bool

    package var frame: ByteBuffer {
        .zooKeeperFrame { buffer in
            buffer.writeInteger(0, as: Int32.self)
            buffer.writeInteger(lastZxidSeen)
            buffer.writeInteger(timeout)
            buffer.writeInteger(sessionID)
            buffer.writeJuteBuffer(password)
            buffer.writeJuteBool(readOnly)
        }
    }

    package init(lastZxidSeen: Int64, timeout: Int32, sessionID: Int64, password: ByteBuffer, readOnly: Bool) {
        self.lastZxidSeen = lastZxidSeen
        self.timeout = timeout
        self.sessionID = sessionID
        self.password = password
        self.readOnly = readOnly
    }

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        _ = try buffer.readJuteInt()
        lastZxidSeen = try buffer.readJuteLong()
        timeout = try buffer.readJuteInt()
        sessionID = try buffer.readJuteLong()
        password = try buffer.readJuteBuffer() ?? ByteBuffer()
        readOnly = buffer.readableBytes > 0 ? try buffer.readJuteBool() : false
    }
}

package struct ConnectResponse: Hashable, Sendable {
    /// Milliseconds; 0 or less says that the session is gone.
    package var timeout: Int32
    package var sessionID: Int64
    package var password: ByteBuffer
    package var readOnly: Bool

    package var frame: ByteBuffer {
        .zooKeeperFrame { buffer in
            buffer.writeInteger(0, as: Int32.self)
            buffer.writeInteger(timeout)
            buffer.writeInteger(sessionID)
            buffer.writeJuteBuffer(password)
            buffer.writeJuteBool(readOnly)
        }
    }

    package init(timeout: Int32, sessionID: Int64, password: ByteBuffer, readOnly: Bool) {
        self.timeout = timeout
        self.sessionID = sessionID
        self.password = password
        self.readOnly = readOnly
    }

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        _ = try buffer.readJuteInt()
        timeout = try buffer.readJuteInt()
        sessionID = try buffer.readJuteLong()
        password = try buffer.readJuteBuffer() ?? ByteBuffer()
        // Servers up to 3.3 do not send it.
        readOnly = buffer.readableBytes > 0 ? try buffer.readJuteBool() : false
    }
}

package struct ReplyHeader: Hashable, Sendable {
    package static let encodedSize = 16

    package var xid: Int32
    package var zxid: Int64
    package var error: Int32

    package init(xid: Int32, zxid: Int64, error: Int32) {
        self.xid = xid
        self.zxid = zxid
        self.error = error
    }

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        xid = try buffer.readJuteInt()
        zxid = try buffer.readJuteLong()
        error = try buffer.readJuteInt()
    }

    package func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(xid)
        buffer.writeInteger(zxid)
        buffer.writeInteger(error)
    }
}
