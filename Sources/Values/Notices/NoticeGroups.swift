/// Gathers events that differ in their subject only, so that two hundred objects with one failure are two lines of the
/// log and not two hundred.
///
/// A pure state machine. The first event of a group is told at once. The ones that follow are counted, and told
/// together 10 s later. As long as more come, they are told less and less often, at least every ten minutes. A group is
/// forgotten when nothing came between two such times.
package struct NoticeGroups<Group: Hashable & Sendable>: Sendable {
    /// The events of a group since it was last told.
    package struct Summary: Sendable {
        package var group: Group
        package var count: Int
        /// Some of the subjects.
        package var subjects: [String]
    }

    private struct Record {
        var count = 0
        var subjects: [String] = []
        var interval: Duration
        var next: Duration

        /// Whether nothing came for so long that the next event begins anew.
        func isOver(now: Duration) -> Bool { count == 0 && next <= now }
    }

    /// How often `wake` is to be called while something is to be told.
    package static var tick: Duration { .seconds(10) }
    /// The number of subjects that a summary names.
    package static var subjectLimit: Int { 3 }
    private static var groupLimit: Int { 100 }
    private static var longest: Duration { .seconds(600) }

    private var records: [Group: Record] = [:]
    private var isAwaited = false

    package init() {}

    /// - Parameter now: Monotonic.
    /// - Returns: `isTold` says whether the event is to be told by itself; `mustWait` says that `wake` has to be called
    ///   each `tick` from now on.
    package mutating func add(_ group: Group, subject: String, now: Duration) -> (isTold: Bool, mustWait: Bool) {
        guard var record = records[group], !record.isOver(now: now) else {
            if records.count >= Self.groupLimit { records = records.filter { !$0.value.isOver(now: now) } }
            // A group that finds no room is told event by event.
            if records.count < Self.groupLimit { records[group] = Record(interval: Self.tick, next: now + Self.tick) }
            return (true, false)
        }
        record.count += 1
        if record.subjects.count < Self.subjectLimit, !record.subjects.contains(subject) {
            record.subjects.append(subject)
        }
        records[group] = record
        defer { isAwaited = true }
        return (false, !isAwaited)
    }

    /// - Returns: What is to be told now, and whether `wake` has to be called again.
    package mutating func wake(now: Duration) -> (summaries: [Summary], goesOn: Bool) {
        var summaries: [Summary] = []
        for (group, record) in records where record.next <= now && record.count > 0 {
            summaries.append(Summary(group: group, count: record.count, subjects: record.subjects))
            let interval = min(record.interval * 2, Self.longest)
            records[group] = Record(interval: interval, next: now + interval)
        }
        isAwaited = records.values.contains { $0.count > 0 }
        return (summaries, isAwaited)
    }
}
