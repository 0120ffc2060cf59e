import Testing

@testable import Deliveries

@Suite("from a change to istiod's push")
struct ArrivalTests {
    private func percentile(_ percent: Int, _ times: [Duration]) -> Duration {
        times[(times.count - 1) * percent / 100]
    }

    @Test(
        "changes arrive soon at every rate that the API server can take",
        arguments: [(2, 130), (10, 200), (30, 250), (100, 300), (300, 600)])
    func rates(rate: Int, aim: Int) {
        var simulation = ArrivalSimulation(rate: rate, capacity: 350)
        let times = simulation.run()
        #expect(times.count == rate * simulation.seconds)
        #expect(percentile(50, times) <= .milliseconds(aim))
        #expect(percentile(99, times) <= .milliseconds(2 * aim))
    }

    @Test("where more changes than the API server can take, no change waits much longer than the others")
    func overload() {
        var simulation = ArrivalSimulation(rate: 300, capacity: 150)
        let times = simulation.run()
        #expect(times.count == 6_000)
        #expect(percentile(99, times) <= percentile(50, times) * 2)
    }

    @Test("a watch that lags behind the answers keeps no push from coming", arguments: [30, 100])
    func lag(rate: Int) {
        var simulation = ArrivalSimulation(rate: rate, capacity: 250)
        simulation.lag = .milliseconds(80)
        let times = simulation.run()
        #expect(percentile(99, times) <= .milliseconds(600))
    }
}
