internal import IsthmusTesting
internal import Measuring

/// The providers in ZooKeeper.
final class Registry: Sendable {
    /// The service whose providers are restarted. Nothing else changes it.
    static let restarted = 0

    let stage: Stage
    private let services: Int
    private let providers: Int
    private let nextNumber: Observed<Int>
    private let present: Observed<[[Int]]>

    init(stage: Stage, services: Int, providers: Int) {
        self.stage = stage
        self.services = services
        self.providers = providers
        nextNumber = Observed(services * providers)
        present = Observed(
            (0..<services).map { service in (0..<providers).map { service * providers + $0 } })
    }

    static func interface(_ service: Int) -> String { "com.acme.shop.Service\(service)" }

    func register() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in 0..<services {
                if service >= 64 { try await group.next() }
                group.addTask { [self] in
                    try await stage.registry.ensurePath("/dubbo/\(Self.interface(service))/providers")
                    for number in present.value[service] { try await stage.register(Self.interface(service), number) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Registers or deregisters a provider of a random service, evenly, so many times a second.
    func change(_ rate: Int, for time: Duration, _ changes: inout ChangeList) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let count = Int(time / .seconds(1)) * rate
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                try await clock.sleep(until: start + .seconds(1) * index / rate)
                let service = Int.random(in: 1..<services)
                let leaver = present.value[service].count > providers ? present.value[service].randomElement() : nil
                if let leaver {
                    changes.append(Change(service: service, number: leaver, isThere: false, time: clock.now))
                    group.addTask { try await self.deregister(service, leaver) }
                } else {
                    let number = newNumber()
                    changes.append(Change(service: service, number: number, isThere: true, time: clock.now))
                    group.addTask { try await self.register(service, number) }
                }
            }
            try await group.waitForAll()
        }
    }

    func newNumber() -> Int {
        nextNumber.change { number in
            number += 1
            return number
        }
    }

    func providers(of service: Int) -> [Int] { present.value[service] }

    func register(_ service: Int, _ number: Int) async throws {
        present.change { $0[service].append(number) }
        try await stage.register(Self.interface(service), number)
    }

    func deregister(_ service: Int, _ number: Int) async throws {
        present.change { $0[service].removeAll { $0 == number } }
        try await stage.deregister(Self.interface(service), number)
    }
}

/// One provider came or went.
struct Change: Sendable {
    var service: Int
    var number: Int
    var isThere: Bool
    var time: ContinuousClock.Instant
}

struct ChangeList: Sendable {
    let start: ContinuousClock.Instant
    private(set) var all: [Change] = []

    init(start: ContinuousClock.Instant) {
        self.start = start
    }

    mutating func append(_ change: Change) { all.append(change) }
}
