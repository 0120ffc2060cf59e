internal import IsthmusTesting
internal import JSON

/// What is registered, what ever was, and what comes next: a pure model, the same for the same seed.
struct SoakRegistry: Sendable {
    /// One thing that happens to the registry.
    enum Step: Sendable {
        case add(SoakProvider)
        case remove(SoakProvider)
        /// Something among a service's providers that is none.
        case litter(String)
        case sweep(String)
    }

    /// What somebody does, step by step.
    struct Change: Sendable {
        var name: String
        var steps: [Step]
    }

    /// About so many providers, so that the guard has nothing to suspect.
    private static let target = 80
    private static let fleetingLimit = 6
    /// Of so many changes, so many instances may leave without one that comes to their service. The guard counts such
    /// losses in its window, and in all that a replica missed while it was away.
    private static let memory = 500
    private static let lossLimit = 10

    private(set) var providers: [SoakLine: [SoakProvider]] = [:]
    private(set) var services: [String: SoakService] = [:]
    /// Every endpoint that was ever registered, as `address:port`.
    private(set) var everRegistered: [SoakLine: Set<String>] = [:]
    /// The lines that at some time had no provider that wanted traffic.
    private(set) var everUnserved: Set<SoakLine> = []
    private var fleeting: [SoakLine] = []
    private var fleetingCount = 0
    private var count = 0
    /// How many instances left for good in each of the last changes.
    private var losses: [Int] = []

    var lines: [SoakLine] { everRegistered.keys.sorted() }
    var total: Int { providers.values.reduce(0) { $0 + $1.count } }

    /// The lines that must never lose their last provider.
    private var steady: [SoakLine] { lines.filter { !fleeting.contains($0) && !providers[$0, default: []].isEmpty } }

    // MARK: What has to be in the mesh

    /// The newest registration of each endpoint that wants traffic.
    func serving(_ line: SoakLine) -> [SoakProvider] { Self.serving(providers[line] ?? []) }

    private static func serving(_ providers: [SoakProvider]) -> [SoakProvider] {
        var newest: [String: SoakProvider] = [:]
        for provider in providers where newest[provider.endpoint].map({ $0.timestamp < provider.timestamp }) ?? true {
            newest[provider.endpoint] = provider
        }
        return newest.values.filter(\.wantsTraffic).sorted { $0.timestamp < $1.timestamp }
    }

    func inMesh(_ line: SoakLine) -> Set<JSONValue> {
        let serving = serving(line)
        let hasWeights = serving.contains { $0.weight != 100 }
        return Set(serving.map { $0.inMesh(hasWeights: hasWeights) })
    }

    // MARK: What happens

    /// To be told before a step is taken, since the cluster may show it before the step has returned.
    mutating func willTake(_ step: Step) {
        switch step {
        case .add(let provider):
            services[provider.service.key] = provider.service
            everRegistered[provider.line, default: []].insert(provider.endpoint)
            if unserves(provider.line, providers[provider.line, default: []] + [provider]) {
                everUnserved.insert(provider.line)
            }
        case .remove(let provider):
            if unserves(provider.line, providers[provider.line, default: []].filter { $0 != provider }) {
                everUnserved.insert(provider.line)
            }
        case .litter, .sweep: break
        }
    }

    mutating func hasTaken(_ step: Step) {
        switch step {
        case .add(let provider): providers[provider.line, default: []].append(provider)
        case .remove(let provider): providers[provider.line]?.removeAll { $0 == provider }
        case .litter, .sweep: break
        }
    }

    private func unserves(_ line: SoakLine, _ providers: [SoakProvider]) -> Bool { Self.serving(providers).isEmpty }

    // MARK: Making providers

    private mutating func newProvider(
        of service: SoakService, _ applicationProtocol: String, using generator: inout SeededGenerator
    ) -> SoakProvider {
        count += 1
        var provider = SoakProvider(
            service: service, protocol: applicationProtocol,
            address: "10.\(count >> 16).\(count >> 8 & 255).\(count & 255)",
            port: applicationProtocol == "tri" ? 50051 : 20880, application: "soak-app", timestamp: count)
        parametrize(&provider, using: &generator)
        return provider
    }

    private func parametrize(_ provider: inout SoakProvider, using generator: inout SeededGenerator) {
        provider.application = "app-\(Int.random(in: 0..<4, using: &generator))"
        provider.weight = [100, 100, 100, 50, 200].randomElement(using: &generator) ?? 100
        provider.labels = [:]
        if Bool.random(using: &generator) {
            provider.labels["region"] = ["east", "west"].randomElement(using: &generator)
            if Bool.random(using: &generator) { provider.labels["zone"] = "z1" }
        }
        if Int.random(in: 0..<4, using: &generator) == 0 { provider.labels["dubbo.tag"] = "gray" }
    }

    private mutating func again(_ provider: SoakProvider, using generator: inout SeededGenerator) -> SoakProvider {
        count += 1
        var fresh = provider
        fresh.timestamp = count
        parametrize(&fresh, using: &generator)
        return fresh
    }
}

// MARK: - What comes next

extension SoakRegistry {
    /// What is there at the start.
    mutating func beginning(using generator: inout SeededGenerator) -> Change {
        var steps: [Step] = []
        for number in 0..<10 {
            var service = SoakService(interface: "com.acme.soak.Steady\(number)")
            if number % 4 == 1 { service.group = "g1" }
            if number % 4 == 2 { service.version = "2.0.\(number)" }
            var variants = [service]
            if number == 2 { variants.append(SoakService(interface: service.interface, group: "blue", version: "1.0")) }
            for service in variants {
                for applicationProtocol in number % 3 == 0 ? ["dubbo", "tri"] : ["dubbo"] {
                    for _ in 0..<5 {
                        steps.append(.add(newProvider(of: service, applicationProtocol, using: &generator)))
                    }
                }
            }
        }
        return Change(name: "the beginning", steps: steps)
    }

    mutating func next(using generator: inout SeededGenerator) -> Change {
        losses.append(0)
        if losses.count > Self.memory { losses.removeFirst() }
        return change(using: &generator)
    }

    /// Whether so many can leave and be replaced by nobody, without a loss that the guard would hold. They count from
    /// then on.
    private mutating func mayLose(_ number: Int) -> Bool {
        guard losses.reduce(number, +) <= Self.lossLimit else { return false }
        losses[losses.count - 1] += number
        return true
    }

    private mutating func change(using generator: inout SeededGenerator) -> Change {
        switch Int.random(in: 0..<100, using: &generator) {
        case ..<35: scale(using: &generator)
        case ..<62: registerAgain(using: &generator)
        case ..<70: roll(using: &generator)
        case ..<74: disable(using: &generator)
        case ..<79: move(using: &generator)
        case ..<84: litter(using: &generator)
        default: comeAndGo(using: &generator)
        }
    }

    private mutating func scale(using generator: inout SeededGenerator) -> Change {
        let excess = total - Self.target
        let isGrowing = excess < -3 || excess < 3 && Bool.random(using: &generator)
        guard let line = steady.randomElement(using: &generator), let some = providers[line]?.first else {
            return Change(name: "nothing", steps: [])
        }
        if isGrowing {
            let fresh = newProvider(of: some.service, line.protocol, using: &generator)
            return Change(name: "\(line) gains \(fresh.endpoint)", steps: [.add(fresh)])
        }
        guard let leaving = removable(line).randomElement(using: &generator), mayLose(1) else {
            return Change(name: "nothing", steps: [])
        }
        return Change(name: "\(line) loses \(leaving.endpoint)", steps: [.remove(leaving)])
    }

    /// Those without which the line is still served.
    private func removable(_ line: SoakLine) -> [SoakProvider] {
        let all = providers[line] ?? []
        return all.filter { candidate in !unserves(line, all.filter { $0 != candidate }) }
    }

    private mutating func registerAgain(using generator: inout SeededGenerator) -> Change {
        guard let line = steady.randomElement(using: &generator),
            let old = providers[line]?.randomElement(using: &generator)
        else { return Change(name: "nothing", steps: []) }
        let fresh = again(old, using: &generator)
        let leavesFirst = Bool.random(using: &generator) && removable(line).contains(old)
        return Change(
            name: "\(line): \(old.endpoint) registers again",
            steps: leavesFirst ? [.remove(old), .add(fresh)] : [.add(fresh), .remove(old)])
    }

    /// A rolling deployment: every address changes.
    private mutating func roll(using generator: inout SeededGenerator) -> Change {
        guard let line = steady.randomElement(using: &generator) else { return Change(name: "nothing", steps: []) }
        var steps: [Step] = []
        for old in providers[line] ?? [] {
            steps += [.add(newProvider(of: old.service, line.protocol, using: &generator)), .remove(old)]
        }
        return Change(name: "\(line) is deployed anew", steps: steps)
    }

    private mutating func disable(using generator: inout SeededGenerator) -> Change {
        guard let line = steady.randomElement(using: &generator), let old = removable(line).first, mayLose(1) else {
            return Change(name: "nothing", steps: [])
        }
        var fresh = again(old, using: &generator)
        if Bool.random(using: &generator) { fresh.isDisabled = true } else { fresh.weight = 0 }
        return Change(name: "\(line): \(old.endpoint) wants no traffic", steps: [.add(fresh), .remove(old)])
    }

    /// The address of a provider that left is used again by another service.
    private mutating func move(using generator: inout SeededGenerator) -> Change {
        guard let from = steady.randomElement(using: &generator), let to = steady.randomElement(using: &generator),
            from != to, let leaving = removable(from).last, let some = providers[to]?.first, mayLose(1)
        else { return Change(name: "nothing", steps: []) }
        var fresh = newProvider(of: some.service, to.protocol, using: &generator)
        (fresh.address, fresh.port) = (leaving.address, leaving.port)
        return Change(name: "\(leaving.endpoint) moves from \(from) to \(to)", steps: [.remove(leaving), .add(fresh)])
    }

    private mutating func litter(using generator: inout SeededGenerator) -> Change {
        guard let line = steady.randomElement(using: &generator), let service = services[line.service] else {
            return Change(name: "nothing", steps: [])
        }
        count += 1
        let junk = ["garbage%zz", "dubbo%3A%2F%2F", "ftp%3A%2F%2F10.9.9.9%3A21%2Fx", "dubbo%3A%2F%2F0.0.0.0%3A1%2Fx"]
        let path = service.providersPath + "/" + (junk.randomElement(using: &generator) ?? "") + "\(count)"
        return Change(name: "junk stands beside \(line)", steps: [.litter(path), .sweep(path)])
    }

    /// A service that comes and goes: whoever has providers loses all, and an unserved one or a new one gets some.
    private mutating func comeAndGo(using generator: inout SeededGenerator) -> Change {
        let served = fleeting.filter { !providers[$0, default: []].isEmpty }
        if served.count >= Self.fleetingLimit || !served.isEmpty && Bool.random(using: &generator) {
            guard let line = served.randomElement(using: &generator), mayLose(providers[line]?.count ?? 0) else {
                return Change(name: "nothing", steps: [])
            }
            return Change(name: "everyone leaves \(line)", steps: (providers[line] ?? []).map { .remove($0) })
        }
        let unserved = fleeting.filter { providers[$0, default: []].isEmpty }
        if let line = unserved.randomElement(using: &generator), Bool.random(using: &generator),
            let service = services[line.service]
        {
            return Change(
                name: "\(line) comes back", steps: [.add(newProvider(of: service, line.protocol, using: &generator))])
        }
        if unserved.count >= Self.fleetingLimit { fleeting.removeAll { $0 == unserved[0] } }
        return newcomer(using: &generator)
    }

    /// A service that nobody knew before.
    mutating func newcomer(using generator: inout SeededGenerator) -> Change {
        fleetingCount += 1
        let service = SoakService(
            interface: "com.acme.soak.Fleeting\(fleetingCount)", version: fleetingCount % 2 == 0 ? "" : "1.0.0")
        let applicationProtocol = Bool.random(using: &generator) ? "dubbo" : "tri"
        let steps = (0..<2).map { _ in Step.add(newProvider(of: service, applicationProtocol, using: &generator)) }
        fleeting.append(SoakLine(service: service.key, protocol: applicationProtocol))
        return Change(name: "\(service.key) is new", steps: steps)
    }

    // MARK: A net loss

    /// So many providers leave at once that it looks like a failure of the registry; every line that was served stays
    /// so.
    func netLoss(using generator: inout SeededGenerator) -> [SoakProvider] {
        var lost: [SoakProvider] = []
        let percent = Int.random(in: 45...75, using: &generator)
        for line in lines {
            let all = (providers[line] ?? []).shuffled(using: &generator)
            guard let kept = Self.serving(all).randomElement(using: &generator) else { continue }
            let others = all.filter { $0.endpoint != kept.endpoint }
            lost += others.prefix((all.count * percent + 99) / 100)
        }
        return lost
    }

    /// The same endpoints register again.
    mutating func recovery(of lost: [SoakProvider], using generator: inout SeededGenerator) -> Change {
        Change(name: "those who were lost come back", steps: lost.map { .add(again($0, using: &generator)) })
    }

    /// Others take the place of those who are gone.
    mutating func replacement(of lost: [SoakProvider], using generator: inout SeededGenerator) -> Change {
        Change(
            name: "others come for those who were lost",
            steps: lost.map { .add(newProvider(of: $0.service, $0.protocol, using: &generator)) })
    }
}
