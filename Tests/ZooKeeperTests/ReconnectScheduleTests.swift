import Testing

@testable import ZooKeeper

@Suite("The schedule of connection attempts")
struct ReconnectScheduleTests {
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

    @Test("the first round has no pauses; then they double from 50 ms to 2 s")
    func pauses() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(3))
        let pauses = (0..<24).map { _ in schedule.failed(jitter: 1) }
        #expect(pauses.prefix(2).allSatisfy { $0 == .zero })
        #expect(pauses[2] == .milliseconds(50))
        #expect(pauses[3...5].allSatisfy { $0 == .milliseconds(100) })
        #expect(pauses.last == .seconds(2))
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test("chance takes up to half of a pause")
    func jitter() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        #expect(schedule.failed(jitter: 0) == .milliseconds(25))
    }

    @Test("no number of failures makes the pause longer than 2 s")
    func manyFailures() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        #expect((0..<10_000).allSatisfy { _ in schedule.failed() <= .seconds(2) })
    }

    @Test("a connection that stood for a while starts the schedule anew, and one that ended at once does not")
    func lifetimes() {
        var schedule = ReconnectSchedule()
        _ = schedule.nextServer(of: servers(1))
        for _ in 0..<8 { _ = schedule.failed(after: .milliseconds(100)) }
        #expect(schedule.failed(after: .milliseconds(100), jitter: 1) == .seconds(2))
        #expect(schedule.failed(after: .seconds(3), jitter: 1) == .milliseconds(50))
    }
}
