internal import Notices
internal import Testing

@Suite("A reminder")
struct ReminderTests {
    @Test("a condition is told at once, and then less and less often, at least every ten minutes")
    func growing() {
        var reminder = Reminder()
        let told = (0...3600).filter { reminder.isDue(now: .seconds($0)) }
        #expect(told == [0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030])
    }

    @Test("a condition that comes back after its end is told at once, and its end says how long it was")
    func end() {
        var reminder = Reminder()
        let told = [5, 6].map { reminder.isDue(now: .seconds($0)) }
        #expect(told == [true, false])
        let ends = [8, 8].map { reminder.end(now: .seconds($0)) }
        #expect(ends == [.seconds(3), nil])
        let again = [9, 18, 19].map { reminder.isDue(now: .seconds($0)) }
        #expect(again == [true, false, true])
    }
}
