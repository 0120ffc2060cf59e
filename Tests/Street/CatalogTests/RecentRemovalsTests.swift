import Addressing
import Services
import Testing

@testable import Catalog

@Suite("recent removals")
struct RecentRemovalsTests {
    private let id = ServiceID(name: "a.A", protocol: .dubbo)
    private var recentRemovals = RecentRemovals(policy: GuardPolicy())

    private func endpoint(_ number: Int) -> Endpoint {
        Endpoint(host: .address(.v4(0x0A00_0000 | UInt32(number))), port: 20880)
    }

    private mutating func returns(_ number: Int, at seconds: Int) -> Bool {
        recentRemovals.returns(id, endpoint(number), now: .seconds(seconds))
    }

    @Test("a removal is remembered for a window, and once")
    mutating func window() {
        recentRemovals.add(id, endpoint(1), now: .zero)
        recentRemovals.add(id, endpoint(2), now: .zero)
        let answers = [returns(1, at: 59), returns(1, at: 59), returns(2, at: 60)]
        #expect(answers == [true, false, false])
    }

    @Test("removals before and in a hold are remembered until five minutes after its end")
    mutating func hold() {
        recentRemovals.add(id, endpoint(1), now: .zero)
        recentRemovals.add(id, endpoint(2), now: .seconds(50))
        recentRemovals.holdBegins(now: .seconds(70))
        recentRemovals.add(id, endpoint(3), now: .seconds(1_000))
        recentRemovals.holdEnds(now: .seconds(2_000))
        let answers = [returns(1, at: 2_001), returns(2, at: 2_299), returns(3, at: 2_300)]
        #expect(answers == [false, true, false])
    }

    @Test("the memory is bounded by the removals of a window")
    mutating func bounded() {
        recentRemovals.holdBegins(now: .zero)
        recentRemovals.holdEnds(now: .zero)
        for number in 0..<20_000 {
            recentRemovals.add(id, endpoint(number), now: .milliseconds(100 * number))
            #expect(recentRemovals.count <= 751)
        }
    }
}
