import Testing

@testable import ZooKeeper

@Suite("The buffer of events", .timeLimit(.minutes(1)))
struct EventBufferTests {
    private func change(_ path: String) -> ZooKeeperEvent {
        .changed(WatchEvent(kind: .dataChanged, path: path))
    }

    @Test("events come in the order in which they were put in")
    func order() async {
        let buffer = EventBuffer(capacity: 10)
        for number in 0..<5 { buffer.append(change("/\(number)")) }
        for number in 0..<5 { #expect(await buffer.next() == change("/\(number)")) }
    }

    @Test("a new client's events start with the state before it runs")
    func firstEvent() async throws {
        let client = ZooKeeperClient(try ConnectionString("127.0.0.1:1"))
        var events = await client.events().makeAsyncIterator()
        #expect(await events.next() == .disconnected(reason: "the client has not started"))
    }
}
