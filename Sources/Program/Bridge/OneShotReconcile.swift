internal import Catalog
internal import Concurrency
package import Deliveries
package import IstioAPI
package import Logging
internal import Pipeline
internal import Planning
internal import Publishing
internal import Services
internal import Sources
internal import Text
internal import Translation

/// A one-shot reconcile: a complete read of every registry and every delivery, and the changes that follow. For the
/// commands that run once and end.
///
/// Where some registries can't be read, it is one of the others. Nothing is decided of what these may announce.
package struct OneShotReconcile: Sendable {
    /// A change that one delivery would carry out.
    package struct Item: Sendable {
        package var delivery: String
        package var planned: PlannedChange
        /// What keeps the object from having its effect.
        package var warning: String?
    }

    /// Something that a registry has and the mesh does not get.
    package struct LeftOut: Sendable, Hashable, CustomStringConvertible {
        /// `nil` where that is not for one registry.
        package var registry: String?
        /// The service, as the registry or the bridge calls it, or what several of them are.
        package var name: String
        package var reason: String

        package var description: String {
            (registry.map { "registry '\($0)': " } ?? "") + "\(name): \(reason)"
        }
    }

    /// Why no plan could be made.
    package struct Incomplete: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// A registry that is to be released and that nobody knows.
    package struct UnknownRegistry: Error, Sendable, CustomStringConvertible {
        package var description: String
    }

    /// A registry that could not be read.
    package struct Unread: Sendable, Hashable {
        package var registry: String
        package var reason: String
    }

    /// An object of which nothing is decided, since registries could not be read that may announce its service.
    package struct LeftAlone: Sendable, Hashable {
        package var delivery: String
        package var key: ResourceKey
        package var registries: [String]
    }

    /// The resources that should exist, sorted.
    package let resources: [Resource]
    /// The changes that lead there, sorted by delivery and name.
    package let items: [Item]
    /// The deliveries that hold no state: there is nothing to compare with, and `apply` leaves them alone.
    package let skipped: [String]
    /// What the registries have and the mesh does not get, sorted by registry.
    package let leftOut: [LeftOut]
    /// What is missing before the changes can be carried out, and what a delivery could not see and did without.
    package let warnings: [String]
    /// The registries that could not be read, and what is left alone because of them. Both are empty where all could
    /// be.
    package let unread: [Unread]
    package let leftAlone: [LeftAlone]
    private let deliveries: [any StatefulDelivery]
    private let parts: BridgeParts

    /// - Parameters:
    ///   - limit: How long each delivery may take to say what it holds, and then how long the registries may take.
    ///   - released: The registries that are believed whatever they say.
    /// - Throws: `Incomplete` when no registry could be read completely, or a delivery can't say what it holds;
    ///   `UnknownRegistry`; `KubernetesError` for a cluster that can't be used.
    package static func take(
        _ configuration: BridgeConfiguration, within limit: Duration, releasing released: [String] = [], logger: Logger
    ) async throws -> OneShotReconcile {
        let parts = try BridgeParts(configuration, isLasting: false, logger: logger)
        do {
            let names = configuration.registries.map(\.name)
            return try await OneShotReconcile(parts, configured: names, within: limit, releasing: released)
        } catch let error as Incomplete {
            // The connections close by themselves. To wait for that would take longer than the limit where a server
            // does not answer.
            throw error
        } catch {
            await parts.shutdown()
            throw error
        }
    }

    private init(
        _ parts: BridgeParts, configured: [String], within limit: Duration, releasing released: [String]
    ) async throws {
        self.parts = parts
        let (pipeline, publisher) = (parts.pipeline, parts.publisher)
        var owned: [String: [ResourceKey: ActualObject]] = [:]
        var stateful: [any StatefulDelivery] = []
        for delivery in parts.deliveries {
            if let delivery = delivery as? any StatefulDelivery { stateful.append(delivery) }
            let objects = try await Self.owned(by: delivery, within: limit)
            owned[delivery.name] = Dictionary(objects.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
            await publisher.seed(objects, from: delivery.name)
        }
        deliveries = stateful
        skipped = parts.deliveries.map(\.name).filter { name in !stateful.contains { $0.name == name } }
        try Self.check(released, configured, owned.values.flatMap(\.values))
        unread = try await Self.readRegistries(parts, within: limit)
        for registry in released where await publisher.release(registry) == nil {
            _ = await pipeline.release(registry)
        }
        let translated = await pipeline.everyResource()
        let names = Set(translated.map(\.key))
        // A registry's service stands where somebody published an object of its name.
        let published = await publisher.everyResource().filter { !names.contains($0.key) }
        resources = (translated + published).sorted { $0.key < $1.key }
        let entries = Dictionary(
            resources.filter { $0.key.kind == .serviceEntry }.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        leftOut = Self.leftOut(await pipeline.overview(problemLimit: .max)) + Self.leftOut(await publisher.reports)
        var items: [Item] = []
        var leftAlone: [LeftAlone] = []
        for delivery in stateful {
            let held = owned[delivery.name] ?? [:]
            for key in Set(resources.map(\.key)).union(held.keys).sorted() {
                let wanted = await publisher.wanted(key)
                if wanted == .undecided {
                    // The endpoints follow their service.
                    if key.kind == .workloadEntry { continue }
                    let registries = await pipeline.undecided(key)
                    // What operators published is left alone for reasons of its own, told above.
                    if registries.isEmpty { continue }
                    leftAlone.append(LeftAlone(delivery: delivery.name, key: key, registries: registries))
                    continue
                }
                let change = await delivery.plan(key, wanted: wanted.resource, held: held[key])
                if change == .none { continue }
                let push = change.push(selectedBy: Self.entry(of: key, held, wanted: entries))
                let warning = if case .patch = change { await delivery.warning(about: key) } else { String?.none }
                let planned = PlannedChange(key: key, change: change, push: push)
                items.append(Item(delivery: delivery.name, planned: planned, warning: warning))
            }
        }
        self.items = items
        self.leftAlone = leftAlone
        var warnings: [String] = []
        for delivery in stateful {
            let creates = items.filter { item in
                if item.delivery == delivery.name, case .create = item.planned.change { true } else { false }
            }
            warnings += await delivery.conditions(toCreating: creates.map(\.planned.key))
            warnings += delivery.report(limit: 0).notes.map { "cluster '\(delivery.name)': \($0)" }
        }
        self.warnings = warnings
    }

    private static func leftOut(_ overview: PipelineOverview) -> [LeftOut] {
        var leftOut: [LeftOut] = []
        for registry in overview.registries {
            leftOut += registry.unreadable.sorted { $0.key < $1.key }.map { name, reason in
                LeftOut(registry: registry.name, name: name, reason: reason)
            }
            leftOut += registry.notes.map { note in
                let more = note.count > note.examples.count && !note.examples.isEmpty ? ", …" : ""
                let names = note.examples.isEmpty ? "" : " (\(note.examples.joined(separator: ", "))\(more))"
                return LeftOut(
                    registry: registry.name, name: "\(note.subject): \(note.count)\(names)", reason: note.effect)
            }
        }
        return leftOut
            + overview.problems.map { LeftOut(registry: nil, name: "\($0.service)", reason: $0.problem.reason) }
    }

    private static func leftOut(_ reports: [Publications.Report]) -> [LeftOut] {
        reports.flatMap { report in
            report.problems.map { LeftOut(registry: report.name, name: $0.document, reason: $0.reason) }
                + report.held.map {
                    LeftOut(
                        registry: report.name, name: "\($0)",
                        reason: "it is no longer published, and held: that looks like a failure of the centre")
                }
        }
    }

    /// A mistyped name would release nothing, without a word.
    private static func check(
        _ released: [String], _ configured: [String], _ objects: [ActualObject]
    ) throws(UnknownRegistry) {
        let recorded = objects.flatMap { ($0.annotations[OwnerMark.registries] ?? "").split(separator: ",") }
        let known = Set(configured).union(recorded.map(String.init))
        for name in released where !known.contains(name) {
            throw UnknownRegistry(
                description:
                    "there is no registry '\(name)' to release; known are \(known.sorted().joined(separator: ", "))")
        }
    }

    /// The ServiceEntry that a WorkloadEntry belongs to: as it stands, or else as it will.
    private static func entry(
        of key: ResourceKey, _ held: [ResourceKey: ActualObject], wanted: [ResourceKey: Resource]
    ) -> ConfigObject? {
        guard let entry = WorkloadEntry.serviceEntry(ofWorkload: key) else { return nil }
        return held[entry]?.configObject ?? wanted[entry].map { ConfigObject($0) }
    }

    private static func owned(by delivery: any Delivery, within limit: Duration) async throws -> [ActualObject] {
        guard let delivery = delivery as? any StatefulDelivery else { return [] }
        switch await Stopwatch(ContinuousClock()).run(within: limit, { try await delivery.owned() }) {
        case .success(let objects)?: return objects
        case .failure(let error)?:
            throw Incomplete(description: "what '\(delivery.name)' holds could not be read: \(error)")
        case nil:
            throw Incomplete(
                description:
                    "what '\(delivery.name)' holds could not be read within \(limit.readable): its server does not answer, "
                    + "or --timeout is too short")
        }
    }

    /// Runs the sources until each has had a complete read, and a second one of what that emptied.
    /// - Returns: The registries that could not be read, where others could be.
    private static func readRegistries(
        _ parts: BridgeParts, within limit: Duration
    ) async throws(Incomplete) -> [Unread] {
        let (pipeline, publisher) = (parts.pipeline, parts.publisher)
        @Sendable func isEachSettled() async -> Bool {
            let isPublished = await publisher.isSettled
            return await pipeline.concludeIfSettled() && isPublished
        }
        let isSettled = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await withTaskGroup(of: Void.self) { sources in
                    let (completions, continuation) = AsyncStream.makeStream(
                        of: Void.self, bufferingPolicy: .bufferingNewest(1))
                    for source in parts.sources {
                        sources.addTask { await pipeline.follow(source) { continuation.yield() } }
                    }
                    for source in parts.configurations {
                        sources.addTask { await publisher.follow(source) { continuation.yield() } }
                    }
                    // Providers may leave meanwhile, and then the guard waits for the settle time.
                    sources.addTask { await pipeline.keepTime() }
                    sources.addTask { await publisher.keepTime { continuation.yield() } }
                    sources.addTask {
                        await pipeline.concludeWhenSettled()
                        continuation.yield()
                    }
                    for await _ in completions where await isEachSettled() { break }
                    sources.cancelAll()
                }
                return await isEachSettled()
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                // Before the sources are stopped: then none can be followed.
                return await pipeline.concludePartly()
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        let unread = await (pipeline.unreadRegistries + publisher.unread).map {
            Unread(registry: $0.name, reason: $0.reason)
        }
        if isSettled { return unread }
        let reasons = unread.map { "registry '\($0.registry)': \($0.reason)" }
        let because = reasons.isEmpty ? "" : ": \(reasons.joined(separator: "; "))"
        throw Incomplete(
            description: "not every registry could be read completely within \(limit.readable)\(because)")
    }

    /// Has each delivery carry out its changes. Conflicts are left alone.
    /// - Parameter report: Told of each change what became of it.
    package func apply(_ report: @Sendable (Item, Attempt) async -> Void) async {
        for delivery in deliveries {
            let changes = items.filter { $0.delivery == delivery.name }.map(\.planned)
            await delivery.carryOut(changes) { planned, attempt in
                await report(Item(delivery: delivery.name, planned: planned), attempt)
            }
        }
    }

    /// Closes the connections.
    package func end() async {
        await parts.shutdown()
    }
}
