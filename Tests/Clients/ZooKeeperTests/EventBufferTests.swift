import Testing

@testable import ZooKeeper

@Suite("The buffer of events", .timeLimit(.minutes(1)))
struct EventBufferTests {
    private func change(_ number: Int) -> ZooKeeperEvent {
        .changed(WatchEvent(kind: .dataChanged, path: "/\(number)"))
    }

    @Test("events are taken in the order in which they were appended")
    func order() async {
        let buffer = EventBuffer(capacity: 10)
        for number in 0..<5 { buffer.append(change(number)) }
        for number in 0..<5 { #expect(await buffer.next() == change(number)) }
    }

    @Test("a full buffer drops its watch events, keeps the state of the session and says that it overflowed")
    func overflow() async {
        let buffer = EventBuffer(capacity: 4)
        buffer.append(.disconnected(reason: "first"))
        buffer.append(.disconnected(reason: "second"))
        for number in 0..<3 { buffer.append(change(number)) }
        #expect(await buffer.next() == .disconnected(reason: "second"))
        #expect(await buffer.next() == .overflowed)
        #expect(await buffer.next() == change(2))
    }

    @Test("a buffer that nobody reads never holds more than its capacity", arguments: [2, 3, 100])
    func bound(capacity: Int) async {
        let buffer = EventBuffer(capacity: capacity)
        for number in 0..<1_000 { buffer.append(number.isMultiple(of: 7) ? .expired : change(number)) }
        buffer.finish()
        var count = 0
        var hasOverflowed = false
        while let event = await buffer.next() {
            count += 1
            if event == .overflowed { hasOverflowed = true }
        }
        #expect(count <= capacity + 1)
        #expect(hasOverflowed)
    }

    @Test("the events before the end can be taken after it")
    func finish() async {
        let buffer = EventBuffer(capacity: 4)
        buffer.append(change(1))
        buffer.finish()
        buffer.append(change(2))
        #expect(await buffer.next() == change(1))
        #expect(await buffer.next() == nil)
        #expect(await buffer.next() == nil)
    }

    @Test("an event, the end and a cancellation end the wait of a consumer")
    func waking() async {
        let buffer = EventBuffer(capacity: 4)
        async let first = buffer.next()
        buffer.append(.expired)
        #expect(await first == .expired)
        await withTaskGroup(of: ZooKeeperEvent?.self) { group in
            group.addTask { await buffer.next() }
            group.cancelAll()
            for await event in group { #expect(event == nil) }
        }
        async let last = buffer.next()
        buffer.finish()
        #expect(await last == nil)
    }
}
