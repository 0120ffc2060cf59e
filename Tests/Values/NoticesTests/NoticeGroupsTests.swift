internal import Notices
internal import Testing

@Suite("Groups of equal notices")
struct NoticeGroupsTests {
    @Test("two hundred equal events are one line at once, and one with their number and a few subjects a while later")
    func many() {
        var groups = NoticeGroups<String>()
        let answers = (0..<200).map { groups.add("refused", subject: "a\($0)", now: .seconds($0 / 100)) }
        #expect(answers.map(\.isTold) == [true] + Array(repeating: false, count: 199))
        #expect(answers.map(\.mustWait) == [false, true] + Array(repeating: false, count: 198))
        let other = groups.add("other", subject: "b", now: .seconds(2))
        #expect(other.isTold, "another reason is told at once")
        let (summaries, goesOn) = groups.wake(now: .seconds(10))
        #expect(summaries.map(\.group) == ["refused"])
        #expect(summaries.map(\.count) == [199])
        #expect(summaries.map(\.subjects) == [["a1", "a2", "a3"]])
        #expect(!goesOn, "nothing more is to be told")
    }

    @Test("a group is told less and less often while more comes, and is forgotten when nothing does")
    func growing() {
        var groups = NoticeGroups<String>()
        _ = groups.add("refused", subject: "a", now: .zero)
        var told: [Int] = []
        for second in stride(from: 10, through: 200, by: 10) {
            _ = groups.add("refused", subject: "a", now: .seconds(second - 5))
            if !groups.wake(now: .seconds(second)).summaries.isEmpty { told.append(second) }
        }
        #expect(told == [10, 30, 70, 150])
        // What came since then is told, and after that nothing came for a long time.
        let last = groups.wake(now: .seconds(310))
        #expect(last.summaries.map(\.count) == [5] && !last.goesOn)
        let again = groups.add("refused", subject: "a", now: .seconds(701))
        #expect(again.isTold && !again.mustWait)
    }

    @Test("however many reasons there are, few are remembered, and the rest is told event by event")
    func bounded() {
        var groups = NoticeGroups<Int>()
        let first = (0..<1000).map { groups.add($0, subject: "a", now: .zero).isTold }
        #expect(first.allSatisfy { $0 })
        let second = [999, 0].map { groups.add($0, subject: "b", now: .zero).isTold }
        #expect(second == [true, false])
    }
}
