import Foundation
import IsthmusTesting
import IstioAPI
import Testing

/// `debounce.txt` has statistics only. The writer behind them is made anew (`RhythmWriter`), and the oracle says when
/// its writes are pushed. Numbers are compared within a third: what the API server, the machine and chance add is not
/// modelled. Not compared: latencies where many endpoints had gone again before a push ("never seen"), since those are
/// left out there; the largest latency beyond a lower bound, since it takes one bad moment of the machine; and how
/// often the bridge of that time caused a push, beyond a lower bound, since it wrote busy objects less often than it
/// was told.
@Suite("when istiod pushed, as it was recorded")
struct DebounceRecordingTests {
    private struct Row {
        var line: String
        var rate: Int
        var pause: Int?
        var isBridge: Bool
        var p50: Int
        var p90: Int
        var maximum: Int
        var pushes: Int
        var changes: Int
        var areAllSeen: Bool
        var debounce: Debounce

        init?(_ line: String, _ debounce: Debounce) {
            let words = line.split { " ;:,()".contains($0) }.map(String.init)
            func number(after word: String) -> Int? {
                words.firstIndex(of: word).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
            }
            func number(before word: String) -> Int? {
                words.firstIndex(of: word).flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil }
            }
            isBridge = words.contains("changes/s")
            guard let p50 = number(after: "p50"), let p90 = number(after: "p90"), let maximum = number(after: "max"),
                let pushes = number(before: "EDS"),
                let rate = isBridge ? number(before: "changes/s") : words.first.flatMap({ Int($0.dropLast(2)) })
            else { return nil }
            (self.line, self.debounce, self.rate, self.pushes) = (line, debounce, rate, pushes)
            (self.p50, self.p90, self.maximum) = (p50, p90, maximum)
            pause = number(after: "of")
            changes = isBridge ? number(before: "changes") ?? 0 : rate * 20
            areAllSeen = (number(before: "never") ?? 0) * 100 < changes
        }
    }

    private static func rows() throws -> [Row] {
        var debounce = Debounce()
        return try Recording.lines("debounce.txt").compactMap { line in
            if line.hasPrefix("PILOT_DEBOUNCE_MAX=1s") { debounce = Debounce(maximum: .seconds(1)) }
            if line.hasPrefix("PILOT_DEBOUNCE_AFTER=20ms") { debounce = Debounce(quiet: .milliseconds(20)) }
            if line.hasPrefix("PILOT_ENABLE_EDS_DEBOUNCE=false") { debounce = Debounce(coversEndpoints: false) }
            return Row(line, debounce)
        }
    }

    @Test("every row of the recording")
    func recorded() throws {
        let rows = try Self.rows()
        #expect(rows.filter { !$0.isBridge }.count == 28)
        #expect(rows.filter(\.isBridge).count == 4)
        for row in rows {
            var writer = RhythmWriter(rate: row.rate, changes: row.changes, pause: row.pause)
            let writes = writer.writes()
            let pushes = row.debounce.pushes(after: writes.map { Debounce.Write(at: $0.time) })
            var latencies: [Int] = []
            for push in pushes {
                for index in push.writes {
                    latencies += writes[index].changes.map { Int((push.time - $0) / .milliseconds(1)) }
                }
            }
            latencies.sort()
            let comment = Comment(rawValue: row.line)
            if row.isBridge {
                #expect(row.pushes * 3 >= pushes.count * 2, comment)
            } else {
                #expect(Self.isNear(pushes.count, row.pushes, margin: 1), "\(pushes.count): \(row.line)")
            }
            if row.areAllSeen {
                let told = [latencies[latencies.count / 2], latencies[latencies.count * 9 / 10], latencies.last ?? 0]
                #expect(Self.isNear(told[0], row.p50, margin: 30), "\(told): \(row.line)")
                #expect(Self.isNear(told[1], row.p90, margin: 50), "\(told): \(row.line)")
                #expect(row.maximum * 3 >= told[2] * 2, "\(told): \(row.line)")
            }
        }
    }

    private static func isNear(_ told: Int, _ recorded: Int, margin: Int) -> Bool {
        abs(told - recorded) <= margin || told * 3 >= recorded * 2 && told * 2 <= recorded * 3
    }
}

/// A writer of changes at an API server: one change after the other, or bursts with a pause between them. Several
/// changes of one service in a burst are one write.
private struct RhythmWriter {
    struct Write {
        var time: Duration
        /// When what it writes changed.
        var changes: [Duration]
    }

    /// Of one write in a burst, as the recorded numbers of writes and bursts say.
    private static let writeTime = Duration.microseconds(2200)
    private static let answerTime = Duration.milliseconds(4)
    private static let services = 300
    /// The machine stops the writer, or the API server, about twice a second.
    private static let stall = Duration.milliseconds(25)

    private let pause: Duration?
    private let changes: [(time: Duration, service: Int)]
    private var random = SeededGenerator(seed: 20880)

    init(rate: Int, changes count: Int, pause: Int?) {
        self.pause = pause.map { .milliseconds($0) }
        let period = Duration.seconds(1) / rate
        var random = SeededGenerator(seed: UInt64(rate))
        changes = (0..<count).map { index in
            // Even, as far as a busy machine is.
            let jitter = Double.random(in: 0..<1, using: &random)
            return (period * (Double(index) + jitter), Int.random(in: 0..<Self.services, using: &random))
        }
    }

    mutating func writes() -> [Write] {
        let stalls = stalls(until: changes.last?.time ?? .zero)
        let writes = pause.map(bursts) ?? changes.map { Write(time: $0.time + Self.answerTime, changes: [$0.time]) }
        return writes.map { write in
            var write = write
            if let start = stalls.first(where: { $0 <= write.time && write.time < $0 + Self.stall }) {
                write.time = start + Self.stall
            }
            return write
        }
    }

    private func bursts(_ pause: Duration) -> [Write] {
        var (writes, next, end) = ([Write](), changes.startIndex, Duration.zero - pause)
        while next < changes.endIndex {
            let start = max(changes[next].time, end + pause)
            var burst: [Int: [Duration]] = [:]
            var order: [Int] = []
            while next < changes.endIndex, changes[next].time <= start {
                if burst[changes[next].service] == nil { order.append(changes[next].service) }
                burst[changes[next].service, default: []].append(changes[next].time)
                next += 1
            }
            for (index, service) in order.enumerated() {
                end = start + Self.answerTime + Self.writeTime * (index + 1)
                writes.append(Write(time: end, changes: burst[service] ?? []))
            }
            end += Self.answerTime
        }
        return writes
    }

    private mutating func stalls(until end: Duration) -> [Duration] {
        var (stalls, time) = ([Duration](), Duration.zero)
        while time < end {
            time += .milliseconds(465) * -log(Double.random(in: 0.001..<1, using: &random))
            stalls.append(time)
        }
        return stalls
    }
}
