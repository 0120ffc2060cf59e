internal import IsthmusTesting
internal import Measuring

/// A rolling restart of three providers: each deregisters, closes its port two seconds later, and another one comes.
/// A client calls every ten milliseconds meanwhile.
final class Restart: Sendable {
    private static let grace = Duration.seconds(2)

    private let start: ContinuousClock.Instant
    private let closed = Observed<[String: ContinuousClock.Instant]>([:])

    init(start: ContinuousClock.Instant) {
        self.start = start
    }

    func run(_ registry: Registry) async throws {
        for number in registry.providers(of: Registry.restarted).prefix(3) {
            let successor = registry.newNumber()
            try await registry.deregister(Registry.restarted, number)
            try await Task.sleep(for: Self.grace)
            closed.change { $0[Stage.address(number)] = .now }
            try await registry.register(Registry.restarted, successor)
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// The calls that go to a port that is closed: each address that the sidecar knows is called in turn.
    func lostCalls(_ sidecar: Sidecar) -> String {
        let closed = closed.value
        guard let end = closed.values.max() else { return "0 of 0" }
        var (calls, lost) = (0, 0)
        var time = start
        while time < end + .seconds(12) {
            let addresses = sidecar.addresses(of: Registry.restarted, at: time).sorted()
            if !addresses.isEmpty, let closing = closed[addresses[calls % addresses.count]], closing < time {
                lost += 1
            }
            calls += 1
            time += .milliseconds(10)
        }
        return "\(lost) of \(grouped(calls))"
    }
}
