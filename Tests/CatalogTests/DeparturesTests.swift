import Addressing
import Testing

@testable import Catalog

@Suite("what a registry lost and the guard let go")
struct DeparturesTests {
    private let id = ServiceID(name: "a.A")
    private var departures = Departures(policy: GuardPolicy())

    private func endpoint(_ number: Int) -> Endpoint {
        Endpoint(host: .address(.v4(0x0A00_0000 | UInt32(number))), port: 20880, protocol: .dubbo)
    }

    @Test("a departure is known for a window, and once")
    mutating func window() {
        departures.add(id, endpoint(1), now: .zero)
        departures.add(id, endpoint(2), now: .zero)
        #expect(departures.returns(id, endpoint(1), now: .seconds(59)))
        #expect(!departures.returns(id, endpoint(1), now: .seconds(59)))
        #expect(!departures.returns(id, endpoint(2), now: .seconds(60)))
    }

    @Test("what went before and in a hold is known until five minutes after its end")
    mutating func hold() {
        departures.add(id, endpoint(1), now: .zero)
        departures.add(id, endpoint(2), now: .seconds(50))
        departures.holdBegins(now: .seconds(70))
        departures.add(id, endpoint(3), now: .seconds(1_000))
        departures.holdEnds(now: .seconds(2_000))
        #expect(!departures.returns(id, endpoint(1), now: .seconds(2_001)))
        #expect(departures.returns(id, endpoint(2), now: .seconds(2_299)))
        #expect(!departures.returns(id, endpoint(3), now: .seconds(2_300)))
    }

    @Test("however long instances come and go, no more are known than go in two windows")
    mutating func bounded() {
        departures.holdBegins(now: .zero)
        departures.holdEnds(now: .zero)
        for number in 0..<20_000 {
            departures.add(id, endpoint(number), now: .milliseconds(100 * number))
            #expect(departures.count <= 1_201)
        }
    }
}
