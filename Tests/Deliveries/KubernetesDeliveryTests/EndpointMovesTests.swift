import IsthmusTesting
import IstioAPI
import JSON
import KubernetesDelivery
import Testing

@Suite("moves between the forms of endpoints")
struct EndpointMovesTests {
    /// A cluster and an istiod, which sees each kind in the order of its changes, and each kind up to `lag` later.
    private struct Street {
        static let lag = 2.0

        var moves = EndpointMoves(settleTime: .seconds(2))
        var now = 0.0
        /// What the cluster has, and when each was written.
        var entry: ServiceEntry?
        var entryHistory: [(at: Double, entry: ServiceEntry?)] = [(-100, nil)]
        var workloads: [ResourceKey: Double] = [:]
        var workloadHistory: [(at: Double, keys: Set<ResourceKey>)] = [(-100, [])]
        var isAvailable = true

        mutating func write(_ entry: ServiceEntry) {
            if self.entry == entry { return }
            self.entry = entry
            entryHistory.append((now, entry))
        }

        mutating func write(_ key: ResourceKey) {
            guard workloads[key] == nil else { return }
            workloads[key] = now
            workloadHistory.append((now, Set(workloads.keys)))
        }

        mutating func remove(_ key: ResourceKey) {
            guard workloads.removeValue(forKey: key) != nil else { return }
            workloadHistory.append((now, Set(workloads.keys)))
        }

        /// One look of the delivery at the entry, with an echo that takes a tenth of a second.
        mutating func look(_ desired: ServiceEntry) {
            let workloads = workloads
            let now = now
            let step = moves.step(
                to: desired, from: entry?.spec, isAvailable: isAvailable, now: .seconds(now)
            ) { key in
                workloads[key].flatMap { $0 + 0.1 <= now ? .seconds($0 + 0.1) : nil }
            }
            if case .deliver(.serviceEntry(let entry)?, _) = step { write(entry) }
        }

        /// One look at what nobody wants.
        mutating func look(at key: ResourceKey, _ desired: ServiceEntry) {
            let isEchoed = (entryHistory.last?.at ?? 0) + 0.1 <= now
            guard desired.isInline, let entry else { return remove(key) }
            let delay = moves.delay(
                beforeDeletionFor: desired.key, isInline: entry.spec["workloadSelector"] == nil, isEchoed: isEchoed,
                now: .seconds(now))
            if delay == nil { remove(key) }
        }

        /// The addresses that istiod may see now: those common to all that its two lagging views can be. What an entry
        /// of one form shows is either its own endpoints or those it selects.
        func certain(_ addresses: [ResourceKey: String]) -> Set<String> {
            let entries = views(entryHistory.map { ($0.at, $0.entry) })
            let keys = views(workloadHistory.map { ($0.at, $0.keys) })
            var certain: Set<String>?
            for entry in entries {
                for keys in keys {
                    let seen: Set<String> =
                        if let entry {
                            entry.isInline
                                ? Set(entry.endpoints.map(\.address)) : Set(keys.compactMap { addresses[$0] })
                        } else { [] }
                    certain = certain?.intersection(seen) ?? seen
                }
            }
            return certain ?? []
        }

        private func views<Value>(_ history: [(Double, Value)]) -> [Value] {
            let first = history.lastIndex { $0.0 <= now - Self.lag + 0.05 } ?? 0
            return history[first...].map(\.1)
        }
    }

    private static func desired(_ numbers: [Int], isInline: Bool) -> ServiceEntry {
        var entry = ServiceEntry.sample("a")
        entry.endpoints = numbers.map { .init(address: "10.0.\($0 / 250).\($0 % 250)", ports: ["tcp-dubbo": 20880]) }
        if !isInline { entry.workloadSelector = ServiceEntry.selector(forEntry: "a") }
        return entry
    }

    /// Every address by the name of its WorkloadEntry.
    private static let addresses = Dictionary(
        uniqueKeysWithValues: desired(Array(0..<5200), isInline: false).endpoints.map {
            (desired([], isInline: false).workloadKey(of: $0), $0.address)
        })

    @Test(
        "what stays is in istiod's sight at every step, there and back, while instances come and go",
        arguments: SeededGenerator.seeds(24))
    func neverWithout(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var street = Street()
        var numbers = Array(0..<12)
        var isInline = true
        var next = 100
        street.write(Self.desired(numbers, isInline: true).inlined)
        street.now = 10
        /// Since when each is wanted.
        var since = Dictionary(uniqueKeysWithValues: numbers.map { ($0, 0.0) })
        for _ in 0..<1500 {
            street.now += 0.1
            if Int.random(in: 0..<60, using: &random) == 0 { isInline.toggle() }
            if Int.random(in: 0..<10, using: &random) == 0, numbers.count > 4 {
                since[numbers.remove(at: .random(in: 0..<numbers.count, using: &random))] = nil
            }
            if Int.random(in: 0..<10, using: &random) == 0, numbers.count < 20 {
                numbers.append(next)
                since[next] = street.now
                next += 1
            }
            let desired = Self.desired(numbers, isInline: isInline)
            let wanted = isInline ? [] : Set(desired.endpoints.map { desired.workloadKey(of: $0) })
            // Each look may come late, in any order.
            for key in wanted where Bool.random(using: &random) { street.write(key) }
            for key in Set(street.workloads.keys).subtracting(wanted) where Bool.random(using: &random) {
                street.look(at: key, desired)
            }
            if Bool.random(using: &random) { street.look(desired) }
            let certain = street.certain(Self.addresses)
            // What is new may take a write, a move and istiod's own time; what was there before must never be missing.
            let established = desired.endpoints.indices.filter { street.now - (since[numbers[$0]] ?? 0) > 12 }
            for index in established {
                #expect(certain.contains(desired.endpoints[index].address), "at \(street.now)")
            }
        }
    }

    @Test("a service that grows beyond an object keeps what it shows until the WorkloadEntries of that are there")
    func tooLarge() {
        var street = Street()
        street.write(Self.desired(Array(0..<900), isInline: true))
        street.now = 10
        let desired = Self.desired(Array(10..<5010), isInline: false)
        let keys = desired.endpoints.map { desired.workloadKey(of: $0) }
        for key in keys.dropFirst() { street.write(key) }
        for _ in 0..<40 {
            street.now += 0.1
            street.look(desired)
        }
        #expect(street.entry?.isInline == true)
        #expect(street.entry?.endpoints.count == 890, "those that left are gone")
        street.write(keys[0])
        for _ in 0..<20 {
            street.now += 0.1
            street.look(desired)
        }
        #expect(street.entry?.isInline == true)
        for _ in 0..<20 {
            street.now += 0.1
            street.look(desired)
        }
        #expect(street.entry?.isInline == false)
    }

    @Test("a steady stream of new instances does not put off the end of a move")
    func churn() {
        var street = Street()
        var numbers = Array(0..<20)
        street.write(Self.desired(numbers, isInline: true))
        street.now = 10
        var moved: Double?
        for step in 0..<100 where moved == nil {
            street.now += 0.1
            if step % 3 == 0 { numbers.append(100 + step) }
            let desired = Self.desired(numbers, isInline: false)
            for endpoint in desired.endpoints { street.write(desired.workloadKey(of: endpoint)) }
            street.look(desired)
            if street.entry?.isInline == false { moved = street.now }
        }
        #expect(moved.map { $0 < 14 } == true, "\(moved ?? 0)")
    }

    @Test("a service on its way is written once in a while, however much changes")
    func rarely() {
        var street = Street()
        street.write(Self.desired([0], isInline: true))
        street.now = 10
        for number in 1...50 {
            street.now += 0.1
            street.look(Self.desired(Array(0...number), isInline: false))
        }
        #expect((4...6).contains(street.entryHistory.count - 2), "\(street.entryHistory.count - 2)")
    }

    @Test("without WorkloadEntries in the cluster endpoints are inline as far as they fit")
    func unavailable() {
        var street = Street()
        street.isAvailable = false
        street.look(Self.desired([1, 2], isInline: false))
        #expect(street.entry == Self.desired([1, 2], isInline: true))
        street.look(Self.desired(Array(0..<5000), isInline: false))
        #expect(street.entry == Self.desired([1, 2], isInline: true))
    }

    @Test("an instance that leaves a service with WorkloadEntries goes at once")
    func departure() {
        var street = Street()
        let desired = Self.desired([1, 2], isInline: false)
        for endpoint in desired.endpoints { street.write(desired.workloadKey(of: endpoint)) }
        street.look(desired)
        #expect(street.entry == desired.selecting)
        street.look(at: desired.workloadKey(of: desired.endpoints[0]), Self.desired([2], isInline: false))
        #expect(street.workloads.count == 1)
    }

    @Test("a service that somebody made select its endpoints is seen inline since that was put right, and no longer")
    func foreignSelector() {
        var moves = EndpointMoves(settleTime: .seconds(2))
        let service = Self.desired([1], isInline: true)
        #expect(
            moves.delay(beforeDeletionFor: service.key, isInline: true, isEchoed: true, now: .zero) == .seconds(2))
        _ = moves.step(
            to: service, from: Self.desired([1], isInline: false).selecting.spec, isAvailable: true, now: .seconds(2)
        ) { _ in .zero }
        #expect(
            moves.delay(beforeDeletionFor: service.key, isInline: true, isEchoed: true, now: .seconds(3)) == .seconds(2)
        )
    }

    @Test("a service none of whose endpoints are in sight shows those it has at once, where they are too many for it")
    func nothingToLose() {
        var moves = EndpointMoves(settleTime: .seconds(2))
        let service = Self.desired(Array(0..<5000), isInline: false)
        let step = moves.step(
            to: service, from: Self.desired([], isInline: true).spec, isAvailable: true, now: .zero
        ) { _ in .zero }
        #expect(step == .deliver(.serviceEntry(service.selecting), again: nil))
    }

    @Test("an entry that is refused is waited for with fewer and fewer looks, and what waits goes when it is taken")
    func refused() {
        var moves = EndpointMoves(settleTime: .seconds(2))
        let service = Self.desired([1], isInline: true).key
        var now = Duration.zero
        var looks = 0
        while now < .seconds(600) {
            guard
                let delay = moves.delay(beforeDeletionFor: service, isInline: false, isEchoed: true, now: now)
            else {
                Issue.record("it may go while its service selects it")
                return
            }
            #expect((.seconds(1)...(.seconds(30))).contains(delay))
            now += delay
            looks += 1
        }
        #expect(looks < 30)
        #expect(
            moves.delay(beforeDeletionFor: service, isInline: true, isEchoed: true, now: now) == moves.settleTime)
        now += moves.settleTime
        #expect(moves.delay(beforeDeletionFor: service, isInline: true, isEchoed: true, now: now) == nil)
        // While nobody knows, nothing goes, and what was seen before still counts.
        #expect(moves.delay(beforeDeletionFor: service, isInline: nil, isEchoed: true, now: now) == .seconds(1))
        #expect(moves.delay(beforeDeletionFor: service, isInline: true, isEchoed: true, now: now) == nil)
        // The next move begins anew.
        #expect(moves.delay(beforeDeletionFor: service, isInline: false, isEchoed: true, now: now) == .seconds(1))
    }
}
