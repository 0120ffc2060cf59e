internal import Testing

@testable internal import Nacos

@Suite("Events that wait")
struct EventTests {
    private func update(_ name: String, _ position: UInt64) -> NacosEvent {
        .service(ServiceUpdate(info: ServiceInfo(key: ServiceKey(name: name)), position: position, generation: 1))
    }

    private func connected(_ generation: UInt64) -> NacosEvent {
        .connected(NacosConnection(generation: generation, server: MachineDriver.server, kind: .grpc))
    }

    private func all(_ waiting: WaitingEvents) -> [NacosEvent] {
        var waiting = waiting
        var events: [NacosEvent] = []
        while let event = waiting.popFirst() { events.append(event) }
        return events
    }

    private func waiting(_ events: NacosEvent...) -> WaitingEvents {
        var waiting = WaitingEvents()
        for event in events { waiting.append(event) }
        return waiting
    }

    @Test("only the newest event about a service waits")
    func coalesced() {
        #expect(all(waiting(update("a", 1), update("b", 2), update("a", 3))) == [update("a", 3), update("b", 2)])
    }

    @Test("a new connection takes the place of all that came before")
    func connection() {
        #expect(all(waiting(connected(1), update("a", 1), .disconnected(reason: ""), connected(2))) == [connected(2)])
    }

    @Test("what came over a connection that the consumer knows is told before its end")
    func disconnection() {
        #expect(
            all(waiting(update("a", 1), .disconnected(reason: "x"))) == [update("a", 1), .disconnected(reason: "x")])
    }

    @Test("a list takes the place of the changes before it")
    func list() {
        let key = ServiceKey(name: "a")
        let list = NacosEvent.services([key], isComplete: true)
        #expect(all(waiting(.serviceAdded(key), list, .serviceRemoved(key))) == [list, .serviceRemoved(key)])
    }

    @Test("a million events about ten services take the room of ten")
    func bound() {
        var waiting = WaitingEvents()
        for number in 0..<100_000 { waiting.append(update("\(number % 10)", UInt64(number))) }
        #expect(waiting.count == 10)
    }

    @Test("the consumer gets what waits, then the end")
    func sequence() async {
        let buffer = EventBuffer()
        buffer.append(update("a", 1))
        buffer.finish()
        var events: [NacosEvent] = []
        for await event in NacosEvents(buffer: buffer) { events.append(event) }
        #expect(events == [update("a", 1)])
    }
}
