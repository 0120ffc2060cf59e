import NIOCore
import Testing

@testable import ZooKeeper

@Suite("The schedule of connection attempts")
struct ReconnectScheduleTests {
    private let now = NIODeadline.uptimeNanoseconds(1)

    private func servers(_ count: Int) -> [ConnectionString.Server] {
        (1...count).map { ConnectionString.Server(host: "zk", port: $0) }
    }

    @Test("every server has its turn before one comes again")
    func rotation() {
        var schedule = ReconnectSchedule()
        let first = (0..<5).compactMap { _ in schedule.nextServer(of: servers(5)) }
        let second = (0..<5).compactMap { _ in schedule.nextServer(of: servers(5)) }
        #expect(Set(first) == Set(servers(5)))
        #expect(first == second)
    }

    @Test("the first round has no delays; then they double from 50 ms to 2 s")
    func delays() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(3))
        let delays = (0..<24).map { _ in schedule.failed(now: now, jitter: 1) }
        #expect(delays.prefix(2).allSatisfy { $0 == .zero })
        #expect(delays[2] == .milliseconds(50))
        #expect(delays[3...5].allSatisfy { $0 == .milliseconds(100) })
        #expect(delays.last == .seconds(2))
        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("the jitter takes off up to half of a delay")
    func jitter() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        #expect(schedule.failed(now: now, jitter: 0) == .milliseconds(25))
    }

    @Test("no number of failures makes the delay longer than 2 s")
    func manyFailures() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        #expect((0..<10_000).allSatisfy { _ in schedule.failed(now: now) <= .seconds(2) })
    }

    /// The delay after a session that lasted this long.
    private func delay(
        _ schedule: inout ReconnectSchedule, after lifetime: TimeAmount, isUseless: Bool = false
    ) -> Duration {
        schedule.sessionEstablished(now: now)
        if isUseless { schedule.connectionProvedUseless() }
        return schedule.failed(now: now + lifetime, jitter: 1)
    }

    @Test("a session of more than ten seconds resets the delays, and a shorter one does not")
    func lifetimes() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        for _ in 0..<8 { _ = delay(&schedule, after: .milliseconds(100)) }
        #expect(delay(&schedule, after: .seconds(10)) == .seconds(2))
        #expect(delay(&schedule, after: .seconds(11)) == .milliseconds(50))
        // A session resets the delays once.
        #expect(schedule.failed(now: now + .seconds(100), jitter: 1) == .milliseconds(100))
    }

    @Test("a connection on which the server broke the protocol never resets the delays")
    func useless() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        let delays = (0..<7).map { _ in delay(&schedule, after: .hours(1), isUseless: true) }
        #expect(delays.map { $0 / .milliseconds(50) } == [1, 2, 4, 8, 16, 32, 40])
    }
}
