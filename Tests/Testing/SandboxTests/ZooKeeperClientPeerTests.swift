import NIOCore
import Testing
import ZooKeeper

@Suite("A ZooKeeper client and a server that is none, or a bad one", .timeLimit(.minutes(1)))
struct ZooKeeperClientPeerTests {
    enum Peer: CaseIterable, CustomTestStringConvertible {
        case closesAtOnce, isNoZooKeeper, answersGarbage, sendsGarbageLater, sendsImpossibleLengths,
            answersWhatNobodyAsked
        case expiresEverySession

        var testDescription: String { "\(self)" }

        var script: ServerScript {
            ServerScript { channel, number, frame in
                guard number == 0 else { return }
                var frame = frame
                switch self {
                case .closesAtOnce:
                    channel.close(promise: nil)
                case .isNoZooKeeper:
                    channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil)
                case .answersGarbage:
                    channel.writeAndFlush(ByteBuffer.zooKeeperFrame { $0.writeString("garbage") }, promise: nil)
                case .sendsGarbageLater:
                    channel.write(ByteBuffer.handshake(), promise: nil)
                    channel.writeAndFlush(ByteBuffer.zooKeeperFrame { $0.writeString("garbage") }, promise: nil)
                case .sendsImpossibleLengths:
                    channel.write(ByteBuffer.handshake(), promise: nil)
                    channel.writeAndFlush(ByteBuffer(integer: -1 as Int32), promise: nil)
                case .answersWhatNobodyAsked:
                    channel.write(ByteBuffer.handshake(), promise: nil)
                    let header = ReplyHeader(xid: 99, zxid: 1, error: 0)
                    channel.writeAndFlush(ByteBuffer.zooKeeperFrame { header.write(to: &$0) }, promise: nil)
                case .expiresEverySession:
                    let isNew = (try? ConnectRequest(reading: &frame))?.sessionID == 0
                    channel.writeAndFlush(isNew ? ByteBuffer.handshake() : .handshake(timeout: 0, session: 0))
                        .whenComplete { _ in channel.close(promise: nil) }
                }
            }
        }
    }

    @Test("it is left alone for longer and longer", arguments: Peer.allCases)
    func pauses(peer: Peer) async throws {
        try await withScriptedServer(peer.script) { address in
            let clock = ContinuousClock()
            let start = clock.now
            try await withZooKeeperClient(address) { client in
                var disconnections = 0
                for await event in await client.events() {
                    guard case .disconnected = event else { continue }
                    disconnections += 1
                    if disconnections == 7 { break }
                }
                // Half of 50, 100, 200, 400, 800 and 1,600 ms at the least.
                #expect(clock.now - start > .milliseconds(1_550))
            }
        }
    }

    @Test("what follows a broken rule on the same connection is not taken for an answer")
    func afterViolation() async throws {
        let script = ServerScript { channel, number, _ in
            if number == 0 { channel.writeAndFlush(ByteBuffer.handshake(), promise: nil) }
            guard number == 1 else { return }
            var frames = ByteBuffer()
            for xid in [99, 1] as [Int32] {
                frames.writeImmutableBuffer(
                    .zooKeeperFrame { buffer in
                        ReplyHeader(xid: xid, zxid: 1, error: 0).write(to: &buffer)
                        buffer.writeJuteStrings([])
                    })
            }
            channel.writeAndFlush(frames, promise: nil)
        }
        try await withScriptedServer(script) { address in
            try await withZooKeeperClient(address) { client async throws in
                await #expect { try await client.children(of: "/") } throws: { error in
                    (error as? ZooKeeperError)?.code == .connectionLoss
                }
            }
        }
    }

    /// Answers a list of children with 21 kB in pieces of 1 kB, one each 450 ms; after `pieces` of them nothing more
    /// comes. The list is followed at once by the answer to the second request, for a client that makes it before the
    /// list's end.
    private static func slow(pieces: Int = .max, answersTwo: Bool = false) -> ServerScript {
        ServerScript { channel, number, frame in
            var frame = frame
            guard number > 0 else {
                channel.writeAndFlush(ByteBuffer.handshake(timeout: 9_000), promise: nil)
                return
            }
            guard (try? RequestHeader(reading: &frame))?.xid == 1 else { return }
            var rest = ByteBuffer.zooKeeperFrame { buffer in
                ReplyHeader(xid: 1, zxid: 1, error: 0).write(to: &buffer)
                buffer.writeJuteStrings([String(repeating: "x", count: 21_000)])
            }
            if answersTwo {
                let header = ReplyHeader(xid: 2, zxid: 1, error: ZooKeeperError.Code.noNode.rawValue)
                rest.writeImmutableBuffer(.zooKeeperFrame { header.write(to: &$0) })
            }
            var count = 0
            while count < pieces, let piece = rest.readSlice(length: min(1_000, rest.readableBytes)),
                piece.readableBytes > 0
            {
                channel.eventLoop.scheduleTask(in: .milliseconds(450 * Int64(count))) {
                    channel.writeAndFlush(piece, promise: nil)
                }
                count += 1
            }
        }
    }

    @Test("a reply that takes longer than a server may be silent is waited for and read")
    func slowAndRead() async throws {
        try await withScriptedServer(Self.slow()) { address in
            try await withZooKeeperClient(address) { client in
                let children = try await client.children(of: "/long")
                #expect(children.first?.count == 21_000)
            }
        }
    }

    @Test("one that is too long is passed over for as long as it takes, and the next reply is read after it")
    func slowAndPassedOver() async throws {
        try await withScriptedServer(Self.slow(answersTwo: true)) { address in
            var configuration = ZooKeeperClient.Configuration()
            configuration.replyLimit = 4_096
            try await withZooKeeperClient(address, configuration: configuration) { client async throws in
                await #expect { try await client.children(of: "/long") } throws: { error in
                    (error as? ZooKeeperError)?.code == .replyTooLarge
                }
                #expect(try await client.exists("/next") == nil)
            }
        }
    }

    @Test("a reply that stalls is given up, whether it is read or passed over", arguments: [4_096, 1 << 20])
    func stalled(limit: Int) async throws {
        try await withScriptedServer(Self.slow(pieces: 3)) { address in
            var configuration = ZooKeeperClient.Configuration()
            configuration.replyLimit = limit
            try await withZooKeeperClient(address, configuration: configuration) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await events.nextSession()
                await #expect(throws: ZooKeeperError.self) { try await client.children(of: "/long") }
                while let event = await events.next() {
                    guard case .disconnected(let reason) = event else { continue }
                    #expect(reason.contains("silent"))
                    break
                }
            }
        }
    }
}
