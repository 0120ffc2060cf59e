internal import Foundation

/// A port of 127.0.0.1 that stays this process's own, whether something listens on it or not.
///
/// A socket is bound to it and never listens. Without one the system may give the port away while a listener is gone,
/// even to a client that connects to that very port, and then finds itself at the other end.
public final class ReservedPort: Sendable {
    public let port: Int
    private let socket: Int32

    /// - Throws: ``TestSupportError`` when the system has no port left.
    public init() throws {
        (socket, port) = try Self.bind(to: 0)
    }

    /// A socket that listens on the port and does not block.
    /// - Parameter receiveBuffer: bytes, for each connection that it accepts; the system's choice by default.
    /// - Throws: ``TestSupportError`` when the system refuses.
    public func listen(receiveBuffer: Int32? = nil) throws -> Int32 {
        let (socket, _) = try Self.bind(to: port)
        if let receiveBuffer { Self.set(SO_RCVBUF, to: receiveBuffer, of: socket) }
        guard fcntl(socket, F_SETFL, O_NONBLOCK) == 0, Foundation.listen(socket, 128) == 0 else {
            close(socket)
            throw TestSupportError("cannot listen on port \(port)")
        }
        return socket
    }

    /// Listens no more, and neither does a process that is just being started and has the socket, too.
    static func endListening(_ socket: Int32) {
        #if canImport(Glibc)
            shutdown(socket, Int32(SHUT_RDWR))
        #else
            shutdown(socket, SHUT_RDWR)
        #endif
    }

    private static func bind(to port: Int) throws -> (socket: Int32, port: Int) {
        let socket = try Loopback.makeSocket()
        do {
            set(SO_REUSEADDR, to: 1, of: socket)
            set(SO_REUSEPORT, to: 1, of: socket)
            return (socket, try Loopback.bind(socket, to: port))
        } catch {
            close(socket)
            throw error
        }
    }

    private static func set(_ option: Int32, to value: Int32, of socket: Int32) {
        var value = value
        setsockopt(socket, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        close(socket)
    }
}
