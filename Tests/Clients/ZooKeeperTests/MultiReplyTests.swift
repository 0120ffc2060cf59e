import NIOCore
import Testing

@testable import ZooKeeper

@Suite("The reply to a multi")
struct MultiReplyTests {
    @Test(
        "a reply is decoded as it was encoded",
        arguments: [
            MultiReply.done([]), .done([.created(path: "/a"), .deleted, .checked]), .failed(index: 0, .badVersion),
            .failed(index: 2, .noNode),
        ])
    func roundTrip(reply: MultiReply) throws {
        var buffer = ByteBuffer()
        reply.write(to: &buffer, count: 3)
        #expect(try MultiReply(reading: &buffer) == reply)
        #expect(buffer.readableBytes == 0)
    }

    @Test("the results of containers and of znodes with a time to live have a Stat")
    func stats() throws {
        var buffer = ByteBuffer()
        for code in [OpCode.create2, .createContainer, .createTTL] {
            MultiHeader(type: code.rawValue, isEnd: false, error: 0).write(to: &buffer)
            buffer.writeJuteString("/\(code.rawValue)")
            buffer.writeRepeatingByte(0, count: Stat.encodedSize)
        }
        MultiHeader.end.write(to: &buffer)
        #expect(
            try MultiReply(reading: &buffer)
                == .done([.created(path: "/15"), .created(path: "/19"), .created(path: "/21")]))
    }

    @Test("a rollback without a failed step, an unknown type and a missing end are refused")
    func malformed() {
        var undone = ByteBuffer()
        MultiHeader(type: -1, isEnd: false, error: 0).write(to: &undone)
        undone.writeInteger(0 as Int32)
        MultiHeader.end.write(to: &undone)
        var unknown = ByteBuffer()
        MultiHeader(type: 99, isEnd: false, error: 0).write(to: &unknown)
        var endless = ByteBuffer()
        MultiHeader(type: 2, isEnd: false, error: 0).write(to: &endless)
        for bytes in [undone, unknown, endless] {
            #expect(throws: JuteError.self) {
                var copy = bytes
                _ = try MultiReply(reading: &copy)
            }
        }
    }
}
