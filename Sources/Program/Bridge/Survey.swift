package import Deliveries
package import IstioAPI
internal import JSON
package import Logging
internal import Pipeline
package import Planning
internal import Services

/// One look at every registry and every delivery, and what would have to change. For the commands that look once and end.
package struct Survey: Sendable {
    /// A change that one delivery would carry out.
    package struct Item: Sendable {
        package var delivery: String
        package var key: ResourceKey
        package var change: Change
    }

    /// Why there was no complete look.
    package struct Incomplete: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// What should be, sorted.
    package let resources: [Resource]
    /// What differs from it, sorted by delivery and name.
    package let items: [Item]
    private let parts: BridgeParts

    /// - Parameters:
    ///   - limit: How long the registries may take.
    ///   - released: The registries that are believed whatever they say.
    /// - Throws: `Incomplete` when a registry could not be read completely, or a delivery can't say what it holds; `KubernetesError`
    ///   for a cluster that can't be used.
    package static func take(
        _ configuration: BridgeConfiguration, within limit: Duration, releasing released: [String] = [], logger: Logger
    ) async throws -> Survey {
        let parts = try BridgeParts(configuration, isLasting: false, logger: logger)
        do {
            return try await Survey(parts, within: limit, releasing: released)
        } catch {
            await parts.shutdown()
            throw error
        }
    }

    private init(_ parts: BridgeParts, within limit: Duration, releasing released: [String]) async throws {
        self.parts = parts
        let pipeline = parts.pipeline
        var owned: [String: [ResourceKey: ActualObject]] = [:]
        for delivery in parts.deliveries {
            let objects = try await Self.owned(by: delivery)
            owned[delivery.name] = Dictionary(objects.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
            await pipeline.seed(objects, from: delivery.name)
        }
        try await Self.readRegistries(parts, within: limit)
        for registry in released { _ = await pipeline.release(registry) }
        resources = await pipeline.everyResource()
        var items: [Item] = []
        for delivery in parts.deliveries {
            let held = owned[delivery.name] ?? [:]
            for key in Set(resources.map(\.key)).union(held.keys).sorted() {
                let wanted = await pipeline.wanted(key)
                if wanted == .undecided { continue }
                let change = await Self.change(to: wanted, of: key, held: held[key], by: delivery, parts.ownership)
                if change != .none { items.append(Item(delivery: delivery.name, key: key, change: change)) }
            }
        }
        self.items = items
    }

    private static func owned(by delivery: any Delivery) async throws -> [ActualObject] {
        do {
            return try await delivery.owned()
        } catch {
            throw Incomplete(description: "what '\(delivery.name)' holds could not be read: \(error)")
        }
    }

    private static func change(
        to wanted: Wanted, of key: ResourceKey, held: ActualObject?, by delivery: any Delivery, _ ownership: Ownership
    ) async -> Change {
        do {
            // What is not ours may still have the name, unless that is one that only we make.
            let isAsked = held == nil && key.kind == .serviceEntry
            let actual = try await isAsked ? delivery.object(key) : held
            return .plan(desired: wanted.resource, actual: actual, ownership: ownership)
        } catch {
            return .conflict(reason: "what has the name could not be read: \(error)")
        }
    }

    /// Runs the sources until each has had a complete read, and a second one of what that emptied.
    private static func readRegistries(_ parts: BridgeParts, within limit: Duration) async throws {
        let pipeline = parts.pipeline
        let isComplete = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await withTaskGroup(of: Void.self) { sources in
                    let (completions, continuation) = AsyncStream.makeStream(
                        of: Void.self, bufferingPolicy: .bufferingNewest(1))
                    for source in parts.sources {
                        sources.addTask {
                            await pipeline.follow(source) { continuation.yield() }
                        }
                    }
                    for await _ in completions where await pipeline.concludeIfSettled() { break }
                    sources.cancelAll()
                }
                return await pipeline.concludeIfSettled()
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if isComplete { return }
        let reasons = await pipeline.unreadRegistries.map { "registry '\($0.name)': \($0.reason)" }
        throw Incomplete(
            description:
                "not every registry could be read completely within \(limit): \(reasons.joined(separator: "; "))")
    }

    /// Carries out every change, a few at a time. `Item`s with a conflict are left alone. Between the two forms of a service's endpoints
    /// istiod always sees one that is whole: what would take it away comes last, when it may be taken for granted that the other is seen.
    /// - Parameter report: Is told of each change what became of it.
    package func apply(
        settleTime: Duration = .seconds(2), _ report: @Sendable (Item, Attempt) async -> Void
    ) async {
        let last = items.filter(\.takesAwayEndpoints)
        let failed = await carryOut(items.filter { !$0.takesAwayEndpoints }, report)
        if last.isEmpty { return }
        // Also where nothing came before: it may have been an earlier call that did it, just now.
        try? await Task.sleep(for: settleTime)
        for item in last where failed.contains(item.service) {
            await report(item, .failed(reason: "it waits for what could not be carried out", retryAfter: nil))
        }
        _ = await carryOut(last.filter { !failed.contains($0.service) }, report)
    }

    /// - Returns: The services of which something could not be carried out.
    private func carryOut(
        _ items: [Item], _ report: @Sendable (Item, Attempt) async -> Void
    ) async -> Set<Item.Service> {
        var failed: Set<Item.Service> = []
        await withTaskGroup(of: (Item, Attempt).self) { group in
            var remaining = items[...]
            func addNext() {
                guard let item = remaining.popFirst(),
                    let delivery = parts.deliveries.first(where: { $0.name == item.delivery })
                else { return }
                group.addTask { (item, await delivery.carryOut(item.change, item.key)) }
            }
            for _ in 0..<16 { addNext() }
            while let (item, attempt) = await group.next() {
                addNext()
                if case .done = attempt {} else { failed.insert(item.service) }
                await report(item, attempt)
            }
        }
        return failed
    }

    /// Closes the connections.
    package func end() async {
        await parts.shutdown()
    }
}

extension Survey.Item {
    fileprivate struct Service: Hashable {
        var delivery: String
        var key: ResourceKey
    }

    fileprivate var service: Service {
        Service(delivery: delivery, key: WorkloadEntry.serviceEntry(ofWorkload: key) ?? key)
    }

    /// A WorkloadEntry that goes, and a ServiceEntry that drops its endpoints for a selector.
    fileprivate var takesAwayEndpoints: Bool {
        switch change {
        case .delete: key.kind == .workloadEntry
        case .patch(let actual, let patch, _): !actual.selectsWorkloads && patch["spec"]?["workloadSelector"] != nil
        default: false
        }
    }
}
