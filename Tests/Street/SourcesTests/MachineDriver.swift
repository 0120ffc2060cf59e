import Services

@testable import Sources

/// Drives a follower's machine by hand. Actions are text, so that a test reads like a log.
struct MachineDriver {
    private(set) var machine: FollowerStateMachine
    private(set) var now = Duration.zero
    private(set) var reports: [FollowerReport] = []
    private var epochs: [String: FollowerStateMachine.Epoch] = [:]

    init(pollInterval: Duration? = nil, readLimit: Int = 128) {
        machine = FollowerStateMachine(
            pauses: FollowerPauses(), pollInterval: pollInterval, readLimit: readLimit, jitter: { 1 })
    }

    var deadline: Duration? { machine.deadline.map { $0 - now } }

    mutating func hear(_ input: FollowerStateMachine.Input) -> [String] {
        machine.handle(input, now: now).compactMap { action in
            switch action {
            case .list(let epoch): return note("list", epoch)
            case .prepare(let epoch): return note("prepare", epoch)
            case .read(let name, let epoch): return note("read \(name)", epoch)
            case .emit(let event): return event.text
            case .emitNotes: return nil
            case .report(let report):
                reports.append(report)
                return nil
            }
        }
    }

    private mutating func note(_ text: String, _ epoch: FollowerStateMachine.Epoch) -> String {
        epochs[text] = epoch
        return text
    }

    mutating func change(_ change: RegistryChange) -> [String] { hear(.changed(change)) }

    mutating func connect() -> [String] { change(.connected(details: [:])) }

    mutating func list(_ names: [String], at position: Position? = nil) -> [String] {
        list(Listing(names: names, position: position))
    }

    mutating func list(_ listing: Listing) -> [String] {
        hear(.listed(.success(listing), by: epochs["list"] ?? .init()))
    }

    mutating func failList(_ cause: ReadFailure.Cause, reason: String = "no") -> [String] {
        hear(.listed(.failure(ReadFailure(cause, reason: reason)), by: epochs["list"] ?? .init()))
    }

    mutating func prepare() -> [String] { hear(.prepared(nil, by: epochs["prepare"] ?? .init())) }

    mutating func failPrepare(_ cause: ReadFailure.Cause) -> [String] {
        hear(.prepared(ReadFailure(cause, reason: "no"), by: epochs["prepare"] ?? .init()))
    }

    mutating func read(_ name: String, _ numbers: [Int], at position: Position? = nil) -> [String] {
        read(name, .sample(name, numbers, position: position))
    }

    mutating func read(_ name: String, _ reading: Reading) -> [String] {
        hear(.read(name, .success(reading), by: epochs["read \(name)"] ?? .init()))
    }

    mutating func failRead(_ name: String, _ cause: ReadFailure.Cause) -> [String] {
        hear(.read(name, .failure(ReadFailure(cause, reason: "no")), by: epochs["read \(name)"] ?? .init()))
    }

    mutating func pass(_ time: Duration) -> [String] {
        now += time
        return hear(.timePassed(until: now))
    }

    /// A registry that was read completely, with no names in it but those given, which have one instance each.
    static func following(
        _ names: [String] = [], pollInterval: Duration? = nil, at position: Position? = nil
    ) -> MachineDriver {
        var driver = MachineDriver(pollInterval: pollInterval)
        _ = driver.connect()
        _ = driver.list(names, at: position)
        for name in names { _ = driver.read(name, [1], at: position) }
        return driver
    }
}

extension FollowerStateMachine.Epoch {
    /// Of no request.
    fileprivate init() { self = FollowerStateMachine(pauses: .init(), pollInterval: nil, readLimit: 1).epoch }
}
