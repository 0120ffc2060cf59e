internal import Foundation
internal import NIOCore

/// Ports and short conversations on 127.0.0.1.
public enum Loopback {
    /// TCP ports that nothing listened on when this was called, all different.
    ///
    /// - Throws: ``TestSupportError`` when the system has no port left.
    public static func freePorts(_ count: Int) throws -> [Int] {
        // All sockets stay open until every port is known, so that the system can't give one port twice.
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        return try (0..<count).map { _ in
            let socket = try makeSocket()
            sockets.append(socket)
            return try bind(socket, to: 0)
        }
    }

    /// One TCP port that nothing listened on when this was called.
    public static func freePort() throws -> Int {
        try freePorts(1)[0]
    }

    /// Connects, sends a text, and returns everything that the peer says until it closes the connection.
    ///
    /// - Parameter patience: how many seconds each step may take: the connection, and every pause in the answer.
    /// - Throws: ``TestSupportError`` when no one listens or no answer comes in time.
    public static func exchange(_ text: String, port: Int, patience: Int = 2) async throws -> String {
        // Blocking calls, so they stay off the threads that run Swift's tasks; on Linux Dispatch's global queue shares
        // them.
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try converse(text, port: port, patience: patience) })
            }
        }
    }

    private static func converse(_ text: String, port: Int, patience: Int) throws -> String {
        let socket = try makeSocket()
        defer { close(socket) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let connected = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr {
            connect(socket, $0, socklen_t($1)) == 0
        }
        guard connected else { throw failure("cannot connect to 127.0.0.1:\(port)") }
        let request = Array(text.utf8)
        // The requests are far smaller than a socket's buffer, so one call takes them whole or fails.
        guard send(socket, request, request.count, noSignal) == request.count else {
            throw failure("cannot send to 127.0.0.1:\(port)")
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            // So ends an answer to one who sent more than the peer wanted to read.
            if count < 0, errno == ECONNRESET, !answer.isEmpty { return String(decoding: answer, as: UTF8.self) }
            guard count >= 0 else { throw failure("no answer from 127.0.0.1:\(port)") }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
    }

    /// - Parameter port: 0 for one that is free.
    /// - Returns: The port.
    static func bind(_ socket: Int32, to port: Int) throws -> Int {
        let bound = try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr {
            Foundation.bind(socket, $0, socklen_t($1)) == 0
        }
        guard bound else { throw failure(port == 0 ? "cannot find a free port" : "cannot have port \(port)") }
        return try Self.port(of: socket)
    }

    private static func port(of socket: Int32) throws -> Int {
        var length = socklen_t(128)
        return try withUnsafeTemporaryAllocation(byteCount: Int(length), alignment: 8) { bytes in
            guard getsockname(socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
                throw failure("a socket has no port")
            }
            // Behind two bytes that say which kind of address it is.
            return Int(bytes[2]) << 8 | Int(bytes[3])
        }
    }

    static func makeSocket() throws -> Int32 {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw failure("cannot make a socket") }
        return descriptor
    }

    private static var noSignal: Int32 {
        #if canImport(Glibc)
            Int32(MSG_NOSIGNAL)
        #else
            0
        #endif
    }

    private static func failure(_ what: String) -> TestSupportError {
        TestSupportError("\(what): \(String(cString: strerror(errno)))")
    }
}
