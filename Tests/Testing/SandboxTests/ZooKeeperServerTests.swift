import NIOCore
import NIOPosix
import Testing
import ZooKeeper

@testable import Sandbox

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A connection to a server that sends what it is told to, whether or not a client would.
private struct RawConnection {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    init(port: Int) async throws {
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ByteToMessageHandler(FrameDecoder(limit: 1 << 20)))
                    return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Sends everything at once, and returns every frame that came until the server closed.
    func exchange(_ frames: [ByteBuffer]) async throws -> [ByteBuffer] {
        try await channel.executeThenClose { inbound, outbound in
            // In one piece: the server may close after any of them.
            try await outbound.write(contentsOf: frames)
            var received: [ByteBuffer] = []
            do {
                for try await frame in inbound { received.append(frame) }
            } catch let error as IOError where error.errnoCode == ECONNRESET {
                // How a connection ends whose last request the server never read.
            }
            return received
        }
    }
}

private func handshake(lastZxid: Int64 = 0) -> ByteBuffer {
    ConnectRequest(
        lastZxidSeen: lastZxid, timeout: 40_000, sessionID: 0, password: ByteBuffer(repeating: 0, count: 16),
        readOnly: false
    ).frame
}

private func request(_ xid: Int32, _ type: Int32, _ body: (inout ByteBuffer) -> Void = { _ in }) -> ByteBuffer {
    .zooKeeperFrame { buffer in
        buffer.writeInteger(xid)
        buffer.writeInteger(type)
        body(&buffer)
    }
}

private func header(_ frame: ByteBuffer) throws -> ReplyHeader {
    var frame = frame
    return try ReplyHeader(reading: &frame)
}

@Suite("The in-memory ZooKeeper server on the wire", .timeLimit(.minutes(1)))
struct ZooKeeperServerTests {
    @Test("an operation that it doesn't have is answered with -6, and the connection ends", arguments: [4711, 16, 101])
    func unknown(type: Int32) async throws {
        try await withZooKeeperServer { server in
            let frames = try await RawConnection(port: try await server.port)
                .exchange([handshake(), request(1, type), request(2, OpCode.ping.rawValue)])
            #expect(frames.count == 2)
            let reply = try header(try #require(frames.last))
            #expect(reply.xid == 1)
            #expect(reply.error == -6)
        }
    }

    @Test("a client that has seen a later state is cut off without an answer")
    func ahead() async throws {
        try await withZooKeeperServer { server in
            let frames = try await RawConnection(port: try await server.port).exchange([handshake(lastZxid: 1 << 40)])
            #expect(frames.isEmpty)
        }
    }

    @Test("create2 and getChildren2 tell of the stat as well")
    func stats() async throws {
        try await withZooKeeperServer { server in
            var frames = try await RawConnection(port: try await server.port).exchange([
                handshake(),
                request(1, OpCode.create2.rawValue) { buffer in
                    buffer.writeJuteString("/a")
                    buffer.writeJuteBuffer(ByteBuffer(string: "abc"))
                    buffer.writeJuteACL(.open)
                    buffer.writeInteger(0 as Int32)
                },
                request(2, OpCode.getChildren2.rawValue) { buffer in
                    buffer.writeJuteString("/a")
                    buffer.writeJuteBool(false)
                },
                request(3, OpCode.closeSession.rawValue),
            ])
            #expect(frames.count == 4)
            #expect(try ReplyHeader(reading: &frames[1]).error == 0)
            #expect(try frames[1].readJutePath() == "/a")
            #expect(try Stat(reading: &frames[1]).dataLength == 3)
            #expect(try ReplyHeader(reading: &frames[2]).xid == 2)
            #expect(try frames[2].readJuteStrings() == [])
            #expect(try Stat(reading: &frames[2]).dataLength == 3)
            #expect(frames[1].readableBytes + frames[2].readableBytes == 0)
        }
    }

    @Test("a request that can't be read is answered with -5, and the connection goes on")
    func unreadable() async throws {
        try await withZooKeeperServer { server in
            let frames = try await RawConnection(port: try await server.port).exchange([
                handshake(), request(1, OpCode.getData.rawValue) { $0.writeInteger(77 as Int32) },
                request(-2, OpCode.ping.rawValue), request(2, OpCode.closeSession.rawValue),
            ])
            let replies = try frames.dropFirst().map(header)
            #expect(replies.map(\.xid) == [1, -2, 2])
            #expect(replies.map(\.error) == [-5, 0, 0])
        }
    }

    @Test("a frame above the limit ends the connection, and the session stays")
    func tooLong() async throws {
        try await withZooKeeperServer { server in
            let frames = try await RawConnection(port: try await server.port)
                .exchange([handshake(), ByteBuffer(integer: 0x10_0000 as Int32)])
            #expect(frames.count == 1)
            #expect(await server.tree.sessionIDs.count == 1)
        }
    }

    @Test("a session that comes over a second connection loses the first")
    func takeover() async throws {
        try await withZooKeeperServer { server in
            let port = try await server.port
            try await withThrowingTaskGroup(of: [ByteBuffer].self) { group in
                group.addTask { try await RawConnection(port: port).exchange([handshake()]) }
                try await server.wait { $0.sessionIDs.count == 1 }
                let (id, session) = try #require(await server.tree.sessions.first)
                let resume = ConnectRequest(
                    lastZxidSeen: 0, timeout: 40_000, sessionID: id, password: session.password, readOnly: false)
                let frames = try await RawConnection(port: port)
                    .exchange([resume.frame, request(1, OpCode.closeSession.rawValue)])
                #expect(frames.count == 2)
                #expect(try await group.next()?.count == 1)
                #expect(await server.tree.sessionIDs.isEmpty)
            }
        }
    }

    @Test("what comes while the server is paused is answered afterwards, in order")
    func pause() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                _ = try await client.exists("/")
                await server.pause()
                async let first = client.create("/p", data: ByteBuffer(string: "x"))
                async let second = client.exists("/p")
                await server.resume()
                #expect(try await first == "/p")
                _ = try await second
                #expect(await server.tree.stat(at: "/p") != nil)
            }
        }
    }

    @Test("a server that can't have its port says so")
    func portTaken() async throws {
        try await withZooKeeperServer { server in
            let other = ZooKeeperServer.quick(port: try await server.port)
            await #expect(throws: IOError.self) {
                try await withZooKeeperServer(other) { _ in }
            }
        }
    }

    @Test("a path is made with the parents that it lacks, and an invalid one is refused")
    func makePath() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/a/b/c", data: ByteBuffer(string: "leaf"))
            try await server.makePath("/a/b", data: ByteBuffer(string: "late"))
            #expect(await server.tree.data(at: "/a/b/c")?.text == "leaf")
            #expect(await server.tree.data(at: "/a/b")?.text == "")
            for path in ["", "a", "/a//b", "/x/"] {
                await #expect(throws: ZooKeeperError.self) { try await server.makePath(path) }
            }
        }
    }
}
