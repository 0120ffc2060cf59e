import IsthmusTesting
import Sources

/// A registry with blocking queries: a query with an index is answered when the registry's index is another one.
struct BlockingReader: RegistryReader {
    struct Registry: Sendable {
        var index: Position = 100
        var services: [String: [Int]] = [:]
        /// The index of each name's last change.
        var indexes: [String: Position] = [:]
        /// Names whose queries fail.
        var failing: Set<String> = []

        mutating func set(_ name: String, _ numbers: [Int]) {
            index += 1
            services[name] = numbers
            indexes[name] = index
        }

        func reading(_ name: String) -> Reading {
            .sample(name, services[name] ?? [], position: indexes[name] ?? index)
        }
    }

    /// The names that are followed, and the index up to which each was seen.
    private let seen = Observed<[String: Position]>([:])
    let registry = Observed(Registry())

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await report(.connected(details: [:]))
        var followed: Set<String> = []
        await withDiscardingTaskGroup { group in
            group.addTask { await followNames(report) }
            while !Task.isCancelled {
                let known = followed
                await seen.wait { !known.isSuperset(of: $0.keys) }
                for name in Set(seen.value.keys).subtracting(followed) {
                    group.addTask { await follow(name, report) }
                    followed.insert(name)
                }
            }
        }
    }

    /// One blocking query after the other for all names.
    private func followNames(_ report: @Sendable (RegistryChange) async -> Void) async {
        var known = Set(registry.value.services.keys)
        var index = registry.value.index
        while !Task.isCancelled {
            let last = (names: known, index: index)
            await registry.wait { Set($0.services.keys) != last.names || $0.index < last.index }
            if Task.isCancelled { return }
            let now = registry.value
            if now.index < index { await report(.changesLost(reason: "the index went backwards")) }
            for name in now.services.keys.sorted() where !known.contains(name) { await report(.changed(name: name)) }
            known = Set(now.services.keys)
            index = now.index
        }
    }

    /// One blocking query after the other for one name.
    private func follow(_ name: String, _ report: @Sendable (RegistryChange) async -> Void) async {
        while !Task.isCancelled {
            let last = seen.value[name] ?? 0
            await registry.wait { ($0.indexes[name] ?? last) > last && !$0.failing.contains(name) }
            if Task.isCancelled { return }
            let reading = registry.value.reading(name)
            seen.change { $0[name] = reading.position }
            await report(.pushed(name: name, reading))
        }
    }

    func list() async throws(ReadFailure) -> Listing {
        Listing(names: registry.value.services.keys.sorted())
    }

    func read(_ name: String) async throws(ReadFailure) -> Reading {
        let registry = registry.value
        if registry.failing.contains(name) { throw ReadFailure(.passing, reason: "HTTP 500") }
        let reading = registry.reading(name)
        seen.change { $0[name] = reading.position }
        return reading
    }
}
