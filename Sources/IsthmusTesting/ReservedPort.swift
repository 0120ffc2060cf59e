internal import Foundation
internal import NIOCore

/// A port of 127.0.0.1 that stays this process's own, whether something listens on it or not.
///
/// A socket is bound to it and never listens. Without one the system may give the port away while a listener is gone,
/// even to a client that connects to that very port, and then finds itself at the other end.
final class ReservedPort: Sendable {
    /// A listener on the port must set it.
    static let option = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)

    let port: Int
    private let socket: Int32

    /// - Throws: ``TestSupportError`` when the system has no port left.
    init() throws {
        let socket = try Loopback.makeSocket()
        do {
            var isOn: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &isOn, socklen_t(MemoryLayout<Int32>.size))
            port = try Loopback.bindToFreePort(socket)
        } catch {
            close(socket)
            throw error
        }
        self.socket = socket
    }

    deinit {
        close(socket)
    }
}
