import IsthmusTesting
import IstioAPI
import Testing

@Suite("when istiod pushes")
struct DebounceTests {
    private static func times(
        _ writes: [Int], full: Set<Int> = [], by debounce: Debounce = Debounce()
    ) -> [Int] {
        let writes = writes.map { Debounce.Write(at: .milliseconds($0), isEndpointsOnly: !full.contains($0)) }
        return debounce.pushes(after: writes).map { Int($0.time / .milliseconds(1)) }
    }

    @Test("a push waits for 100 ms without a write")
    func quiet() {
        #expect(Self.times([]) == [])
        #expect(Self.times([0]) == [100])
        #expect(Self.times([0, 50, 120, 219]) == [319])
        #expect(Self.times([0, 100]) == [100, 200])
        #expect(Self.times([0, 101]) == [100, 201])
    }

    @Test("steady writes put it off for 10 s, until istiod looks again")
    func maximum() {
        let steady = Array(stride(from: 0, through: 20_000, by: 40))
        #expect(Self.times(steady) == [10_020, 20_060])
        #expect(Self.times(steady, by: Debounce(maximum: .seconds(1))).first == 1_060)
    }

    @Test("where endpoints don't wait, they go at once, and other changes wait for one another alone")
    func withoutEndpoints() {
        let debounce = Debounce(coversEndpoints: false)
        #expect(Self.times([0, 40, 80], by: debounce) == [0, 40, 80])
        #expect(Self.times([0, 40, 80, 120], full: [40, 120], by: debounce) == [0, 80, 220])
    }

    @Test("every write is in one push, and no push is earlier than its writes", arguments: SeededGenerator.seeds(50))
    func complete(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let writes = (0..<200).map { _ in Int.random(in: 0...15_000, using: &random) }.sorted().map {
            Debounce.Write(at: .milliseconds($0), isEndpointsOnly: Int.random(in: 0..<5, using: &random) > 0)
        }
        let debounce = Debounce(maximum: .seconds(2), coversEndpoints: Bool.random(using: &random))
        let pushes = debounce.pushes(after: writes)
        #expect(pushes.flatMap(\.writes).sorted() == Array(writes.indices))
        for push in pushes {
            #expect(push.isEndpointsOnly == push.writes.allSatisfy { writes[$0].isEndpointsOnly })
            for index in push.writes {
                #expect(writes[index].time <= push.time)
                #expect(push.time - writes[index].time <= debounce.maximum + debounce.quiet)
            }
        }
    }
}
