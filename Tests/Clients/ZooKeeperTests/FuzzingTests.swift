import NIOCore
import Testing

@testable import ZooKeeper

@Suite("Arbitrary bytes from a peer")
struct FuzzingTests {
    @Test("random bytes are decoded or refused, and never end the process", arguments: 0..<16 as Range<UInt64>)
    func random(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        for _ in 0..<50 {
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                Int.random(in: 0..<3, using: &random) > 0 ? 0 : UInt8.random(in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { fuzzZooKeeperDecoders($0) }
        }
    }

    @Test("truncated and corrupted conversations are decoded or refused", arguments: 0..<16 as Range<UInt64>)
    func mutated(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        for _ in 0..<25 {
            var stream = ByteBuffer(bytes: [UInt8.random(in: 0...255, using: &random)])
            for xid in [ReservedXid.auth, 1, 2, ReservedXid.ping, 3] {
                stream.writeImmutableBuffer(
                    .zooKeeperFrame { ReplyHeader(xid: xid, zxid: 5, error: 0).write(to: &$0) })
                stream.writeImmutableBuffer(WatchEvent(kind: .created, path: "/a").frame)
                stream.writeImmutableBuffer(
                    .zooKeeperFrame { buffer in
                        ReplyHeader(xid: xid, zxid: 5, error: 0).write(to: &buffer)
                        buffer.writeRepeatingByte(0, count: Int.random(in: 0...200, using: &random))
                    })
            }
            for operation in JuteTests.operations { stream.writeImmutableBuffer(operation.frame(xid: 4)) }
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0..<stream.readableBytes, using: &random)
                stream.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
            }
            let cut = stream.getSlice(at: 0, length: Int.random(in: 0...stream.readableBytes, using: &random))
            cut?.withUnsafeReadableBytes { fuzzZooKeeperDecoders($0) }
        }
    }
}
