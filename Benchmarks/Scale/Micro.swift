internal import AllocationCount
internal import ArgumentParser
internal import Catalog
internal import Dubbo
internal import Foundation
internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import Planning
internal import Services
internal import Sources
internal import Translation

/// The steps of a change, one by one.
struct Micro: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The steps of a change, one by one.")

    @Option(help: "How many instances the service has.") var instances = 10
    @Option(help: "For how many milliseconds each step is repeated.") var milliseconds = 500

    func validate() throws {
        guard instances > 0, milliseconds > 0 else { throw ValidationError("There is nothing to measure.") }
    }

    func run() throws {
        var extent = Extent()
        extent.services = 1
        extent.instances = instances
        let registry = SyntheticRegistry(extent)
        let node = registry.node(0, address: registry.address(0, 0))
        guard let entry = Self.translate(registry, moved: false), let moved = Self.translate(registry, moved: true)
        else {
            throw ValidationError("The service can't be translated.")
        }
        let actual = ActualObject(
            key: entry.key, revision: nil, labels: entry.labels, annotations: entry.annotations,
            spec: entry.spec)
        let ownership = Ownership(labels: entry.labels, annotationPrefix: OwnerMark.prefix)
        let json = entry.json(version: "v1beta1")
        let bytes = json.bytes

        var report = MeasurementReport(
            "The steps of a change, \(instances) instances (\(bytes.count) bytes of JSON)",
            columns: ["step", "time", "a second", "MB/s", "allocations"])
        func add(_ step: String, bytes: Int? = nil, _ body: () -> Void) {
            let each = measure(body)
            report.add(
                step, each.text, grouped(Int(.seconds(1) / each)),
                bytes.map { String(format: "%.0f", Double($0) / (each / .microseconds(1))) } ?? "",
                countAllocations(body).map { grouped($0) } ?? "not counted")
        }
        add("make a znode's name", bytes: node.utf8.count) { blackHole(registry.node(0, address: 0x0A00_0001)) }
        add("decode a provider URL", bytes: node.utf8.count) { blackHole(registry.decode(node, of: 0)) }
        let service = Self.service(registry, moved: false)
        var assignments = Assignments()
        let translator = Translator(policy: Street.policy)
        add("translate") {
            blackHole(translator.translate(service, &assignments, now: .zero))
        }
        let selecting = TranslationPolicy(
            namespace: Street.policy.namespace, formats: [.dubbo], endpoints: .workloadEntry)
        let (workloads, other) = (Translator(policy: selecting), Self.service(registry, moved: true))
        add("translate as WorkloadEntries") { blackHole(workloads.translate(other, &assignments, now: .zero)) }
        add("plan what is as it should be") {
            blackHole(Change.plan(desired: .serviceEntry(entry), actual: actual, ownership: ownership))
        }
        add("plan a moved endpoint") {
            blackHole(Change.plan(desired: .serviceEntry(moved), actual: actual, ownership: ownership))
        }
        add("encode: the value", bytes: bytes.count) { blackHole(entry.json(version: "v1beta1")) }
        add("encode: its bytes", bytes: bytes.count) { blackHole(json.bytes) }
        add("parse", bytes: bytes.count) { blackHole(try? JSONValue(parsing: bytes)) }
        report.show(command: Scale.commandLine)
    }

    private static func service(_ registry: SyntheticRegistry, moved: Bool) -> Service {
        var catalog = CatalogStore(registries: [SyntheticRegistry.name])
        var changed: [ServiceID] = []
        for event in [.begin, registry.list(0), .complete] as [SourceEvent] {
            changed += catalog.apply(event, from: SyntheticRegistry.name, now: .zero).changed
        }
        var changes = ChangeStream(registry)
        if moved {
            for event in changes.next()?.events ?? [] {
                _ = catalog.apply(event, from: SyntheticRegistry.name, now: .zero)
            }
        }
        return catalog.service(changed[0])
    }

    private static func translate(_ registry: SyntheticRegistry, moved: Bool) -> ServiceEntry? {
        var assignments = Assignments()
        let translator = Translator(policy: Street.policy)
        return translator.translate(service(registry, moved: moved), &assignments, now: .zero).resource
    }

    /// The allocations of one call after the first; `nil` where allocations are not counted.
    private func countAllocations(_ body: () -> Void) -> Int? {
        let before = allocation_count()
        body()
        return before == 0 ? nil : Int(allocation_count() - before)
    }

    /// The time of the fastest batch, which other processes disturbed least.
    private func measure(_ body: () -> Void) -> Duration {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        var best = Duration.seconds(3600)
        repeat {
            best = min(best, clock.measure { for _ in 0..<100 { body() } } / 100)
        } while clock.now < end
        return best
    }
}
