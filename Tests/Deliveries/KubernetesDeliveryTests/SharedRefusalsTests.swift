import IstioAPI
import KubernetesDelivery
import Testing

@Suite("writes that are refused for a reason outside of the objects")
struct SharedRefusalsTests {
    private var refusals = SharedRefusals()

    private func key(_ number: Int, _ kind: ResourceKind = .serviceEntry) -> ResourceKey {
        ResourceKey(kind, namespace: "dubbo", name: "s-\(number)")
    }

    @Test("one object asks again, at most every 5 s, and the others wait")
    mutating func probe() {
        let first = refusals.refused(key(0))
        #expect(first.isNews && first.duration <= .seconds(1))
        for number in 1..<200 {
            let other = refusals.refused(key(number))
            #expect(!other.isNews && other.duration == .seconds(300))
        }
        for _ in 0..<10 { _ = refusals.refused(key(0)) }
        let late = refusals.refused(key(0)).duration
        #expect(late <= .seconds(5) && late >= .milliseconds(2500))
    }

    @Test("all go on when one of them is written, and another object's success says nothing")
    mutating func success() {
        for number in 0..<3 { _ = refusals.refused(key(number)) }
        let unrelated = refusals.written(key(9))
        #expect(unrelated == nil)
        let released = refusals.written(key(1))
        #expect(released == [key(0), key(2)])
        #expect(!refusals.isRefusing(.serviceEntry))
        #expect(refusals.refused(key(0)).isNews)
    }

    @Test("another object asks when the probe is no longer wanted, and nothing waits when none is")
    mutating func forgotten() {
        for number in 0..<3 { _ = refusals.refused(key(number)) }
        let unrelated = refusals.forget(key(2))
        #expect(unrelated == nil)
        let next = refusals.forget(key(0))
        #expect(next == key(1))
        #expect(refusals.refused(key(1)).duration <= .seconds(2))
        let none = refusals.forget(key(1))
        #expect(none == nil)
        #expect(!refusals.isRefusing(.serviceEntry))
    }

    @Test("the kinds wait apart")
    mutating func kinds() {
        _ = refusals.refused(key(0))
        #expect(!refusals.isRefusing(.workloadEntry))
        #expect(refusals.refused(key(0, .workloadEntry)).isNews)
    }
}
