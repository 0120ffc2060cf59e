internal import Addressing
internal import Testing

@testable internal import Nacos

@Suite("Servers and their order")
struct ServerTests {
    private func servers(_ count: Int) throws -> [NacosServer] {
        try (1...count).map { try #require(NacosServer("10.0.0.\($0):8848")) }
    }

    @Test("a server is a host with a port, or a host alone")
    func reading() {
        #expect(NacosServer("nacos")?.description == "nacos:8848")
        #expect(NacosServer("nacos")?.grpcPort == 9848)
        #expect(NacosServer("nacos:80", grpcPort: 443)?.grpcPort == 443)
        #expect(NacosServer("[::1]:8848")?.address.host == "::1")
        #expect(NacosServer("[::1]")?.address.host == "::1")
        #expect(NacosServer("nacos:65000") == nil)
        #expect(NacosServer("") == nil)
        #expect(NacosServer("::1") == nil)
    }

    @Test("every server has its turn before one is tried again")
    func turns() throws {
        var schedule = ServerSchedule()
        var random = SystemRandomNumberGenerator()
        let all = try servers(3)
        schedule.set(all, using: &random)
        var seen: [NacosServer] = []
        for _ in 0..<3 {
            let next = schedule.choose()
            let choice = try #require(next)
            #expect(choice.notBefore == .zero)
            seen.append(choice.server)
            schedule.failed(choice.server, lasted: nil, now: .zero)
        }
        #expect(Set(seen) == Set(all))
    }

    @Test("each failure of a server doubles its delay, up to five seconds; a connection that lasted ends that")
    func delays() throws {
        var schedule = ServerSchedule()
        var random = SystemRandomNumberGenerator()
        let server = try servers(1)[0]
        schedule.set([server], using: &random)
        var delays: [Duration] = []
        for _ in 0..<8 {
            schedule.failed(server, lasted: nil, now: .zero, jitter: 1)
            delays.append(schedule.choose()?.notBefore ?? .zero)
        }
        #expect(delays.first == .milliseconds(100))
        #expect(delays.last == .seconds(5))
        schedule.failed(server, lasted: .seconds(1), now: .zero, jitter: 1)
        #expect(schedule.choose()?.notBefore == .seconds(5))
        schedule.failed(server, lasted: .seconds(60), now: .zero, jitter: 1)
        #expect(schedule.choose()?.notBefore == .milliseconds(100))
    }

    @Test("a server that another one names is next, if it is one of the servers")
    func preference() throws {
        var schedule = ServerSchedule()
        var random = SystemRandomNumberGenerator()
        let all = try servers(3)
        schedule.set(all, using: &random)
        for server in all {
            schedule.prefer("\(server)")
            #expect(schedule.choose()?.server == server)
        }
        schedule.prefer("10.9.9.9:8848")
        #expect(schedule.choose() != nil)
    }

    @Test("a list with the same servers keeps their delays")
    func list() throws {
        var schedule = ServerSchedule()
        var random = SystemRandomNumberGenerator()
        let all = try servers(2)
        schedule.set(all, using: &random)
        for server in all { schedule.failed(server, lasted: nil, now: .seconds(1)) }
        schedule.set(all.reversed(), using: &random)
        #expect(schedule.choose()?.notBefore ?? .zero > .seconds(1))
        schedule.set(all + [try #require(NacosServer("new:8848"))], using: &random)
        #expect(schedule.choose()?.server.address.host == "new")
        schedule.set([], using: &random)
        #expect(schedule.choose() == nil)
    }
}
