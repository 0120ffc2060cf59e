package import NIOCore

/// The first message of a client on a connection. It has no request header.
package struct ConnectRequest: Hashable, Sendable {
    /// The last transaction that the client has seen; 0 for none. A server that is behind it closes the connection.
    package var lastZxidSeen: Int64
    /// Milliseconds.
    package var timeout: Int32
    /// 0 asks for a new session.
    package var sessionID: Int64
    /// 16 bytes; zeros for a new session.
    package var password: ByteBuffer
    /// Whether a read-only server will do.
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

/// The reply to the handshake. It has no reply header.
package struct ConnectResponse: Hashable, Sendable {
    /// The negotiated session timeout in milliseconds; 0 or less for a session that has expired.
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

/// The header of every reply but the one to the handshake.
package struct ReplyHeader: Hashable, Sendable {
    /// Bytes.
    package static let encodedSize = 16

    package var xid: Int32
    /// The last transaction that the server has processed.
    package var zxid: Int64
    /// A value of `KeeperException.Code`; 0 for success.
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
