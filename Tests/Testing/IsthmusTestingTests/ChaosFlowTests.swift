internal import NIOCore
internal import Testing

@testable internal import IsthmusTesting

@Suite("One direction of a connection through the chaos proxy")
struct ChaosFlowTests {
    private static func at(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
    }

    private static func steps(
        _ flow: inout ChaosFlow, _ conditions: ChaosConditions = .init(), isReady: Bool = true, at time: Int64 = 0
    ) -> [ChaosFlow.Step] {
        var steps: [ChaosFlow.Step] = []
        while true {
            let step = flow.next(under: conditions, isReady: isReady, now: at(time))
            switch step {
            case .rest: return steps
            case .wait: return steps + [step]
            case .pass, .drop, .end: steps.append(step)
            }
        }
    }

    private static func flow(_ texts: String...) -> ChaosFlow {
        var flow = ChaosFlow()
        for text in texts { flow.receive(ByteBuffer(string: text), now: at(0)) }
        return flow
    }

    @Test("bytes pass in order, then the end, and each end only once")
    func order() {
        var flow = Self.flow("a", "b")
        flow.finish(.half, now: Self.at(0))
        #expect(!flow.wantsMore)
        #expect(
            Self.steps(&flow) == [.pass(ByteBuffer(string: "a")), .pass(ByteBuffer(string: "b")), .end(.half)])
        flow.finish(.half, now: Self.at(1))
        #expect(Self.steps(&flow) == [])
        flow.finish(.whole, now: Self.at(1))
        #expect(Self.steps(&flow, at: 1) == [.end(.whole)])
    }

    @Test("nothing passes to a receiver that isn't ready, and reading stops at the limit")
    func limit() {
        var flow = ChaosFlow()
        var count = 0
        while flow.wantsMore {
            flow.receive(ByteBuffer(repeating: 0, count: 1_024), now: Self.at(0))
            count += 1
        }
        #expect(count == ChaosFlow.byteLimit / 1_024)
        #expect(Self.steps(&flow, isReady: false) == [])
        #expect(Self.steps(&flow).count == count)
        #expect(flow.wantsMore)
        #expect(flow.held == 0)
    }

    @Test("many small pieces are not more than few large ones")
    func manyPieces() {
        var flow = ChaosFlow()
        for _ in 0..<1_024 { flow.receive(ByteBuffer(string: "x"), now: Self.at(0)) }
        #expect(!flow.wantsMore)
    }

    @Test("a delay counts from the arrival, and a new one from the same moment")
    func delay() {
        var flow = Self.flow("a")
        flow.finish(.half, now: Self.at(10))
        var conditions = ChaosConditions()
        conditions.delay = .milliseconds(100)
        #expect(Self.steps(&flow, conditions, at: 99) == [.wait(until: Self.at(100))])
        #expect(
            Self.steps(&flow, conditions, at: 100)
                == [.pass(ByteBuffer(string: "a")), .wait(until: Self.at(110))])
        conditions.delay = .zero
        #expect(Self.steps(&flow, conditions, at: 100) == [.end(.half)])
    }

    @Test("a throttle cuts pieces to a fiftieth of a second and lets one pass in each")
    func throttle() {
        var flow = Self.flow("abcde")
        var conditions = ChaosConditions()
        conditions.bytesPerSecond = 100
        #expect(
            Self.steps(&flow, conditions) == [.pass(ByteBuffer(string: "ab")), .wait(until: Self.at(20))])
        #expect(
            Self.steps(&flow, conditions, at: 20) == [.pass(ByteBuffer(string: "cd")), .wait(until: Self.at(40))])
        #expect(Self.steps(&flow, conditions, at: 1_000) == [.pass(ByteBuffer(string: "e"))])
    }

    @Test("a hole holds bytes and ends; one that loses drops the bytes, leaves a gap and holds the end")
    func holes() {
        var conditions = ChaosConditions()
        conditions.hole = .holding
        var flow = Self.flow("a")
        flow.finish(.reset, now: Self.at(0))
        #expect(Self.steps(&flow, conditions) == [])
        #expect(!flow.hasGap)
        conditions.hole = .losing
        #expect(Self.steps(&flow, conditions, isReady: false) == [.drop(1)])
        #expect(flow.hasGap)
        #expect(Self.steps(&flow) == [.end(.reset)])
    }

    @Test("without a receiver everything is dropped, and the sender still read from until its end")
    func abandoned() {
        var flow = Self.flow("a", "b")
        flow.abandon()
        #expect(Self.steps(&flow) == [.drop(2)])
        #expect(flow.wantsMore)
        flow.finish(.whole, now: Self.at(0))
        #expect(Self.steps(&flow) == [])
        #expect(!flow.wantsMore)
    }
}
