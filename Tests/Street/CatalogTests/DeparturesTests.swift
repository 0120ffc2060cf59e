import Addressing
import Services
import Testing

@testable import Catalog

@Suite("what a registry lost and the guard let go")
struct DeparturesTests {
    private let id = ServiceID(name: "a.A")
    private var departures = Departures(policy: GuardPolicy())

    private func endpoint(_ number: Int) -> Endpoint {
        Endpoint(host: .address(.v4(0x0A00_0000 | UInt32(number))), port: 20880, protocol: .dubbo)
    }

    private mutating func returns(_ number: Int, at seconds: Int) -> Bool {
        departures.returns(id, endpoint(number), now: .seconds(seconds))
    }

    @Test("a departure is known for a window, and once")
    mutating func window() {
        departures.add(id, endpoint(1), now: .zero)
        departures.add(id, endpoint(2), now: .zero)
        let answers = [returns(1, at: 59), returns(1, at: 59), returns(2, at: 60)]
        #expect(answers == [true, false, false])
    }

    @Test("what went before and in a hold is known until five minutes after its end")
    mutating func hold() {
        departures.add(id, endpoint(1), now: .zero)
        departures.add(id, endpoint(2), now: .seconds(50))
        departures.holdBegins(now: .seconds(70))
        departures.add(id, endpoint(3), now: .seconds(1_000))
        departures.holdEnds(now: .seconds(2_000))
        let answers = [returns(1, at: 2_001), returns(2, at: 2_299), returns(3, at: 2_300)]
        #expect(answers == [false, true, false])
    }

    @Test("however long instances come and go, hardly more are known than go in a window")
    mutating func bounded() {
        departures.holdBegins(now: .zero)
        departures.holdEnds(now: .zero)
        for number in 0..<20_000 {
            departures.add(id, endpoint(number), now: .milliseconds(100 * number))
            #expect(departures.count <= 751)
        }
    }
}
