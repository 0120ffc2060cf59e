internal import ArgumentParser
internal import Foundation
internal import IsthmusTesting
internal import IstioAPI
internal import JSON
internal import KubernetesDelivery
internal import Planning
internal import Services
internal import Sources
internal import Translation

/// The memory that the delivery to a cluster takes for each object.
struct ClusterMemory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "What the delivery knows of a cluster's objects: bytes for each instance.")

    @OptionGroup var extent: Extent

    func run() throws {
        let registry = SyntheticRegistry(extent)
        var report = MeasurementReport(
            "The delivery's view of the cluster: \(grouped(extent.services)) services × \(extent.instances) instances",
            columns: ["objects", "JSON", "resident", "per instance"])
        var cache = ObjectCache()
        var bytes = 0
        let before = ProcessUsage()
        cache.listBegins()
        for service in 0..<extent.services {
            guard let object = Self.object(service, registry) else { continue }
            bytes += object.spec.bytes.count
            cache.listed(object, now: .zero)
        }
        cache.listComplete()
        let resident = ProcessUsage().resident - before.resident
        withExtendedLifetime(cache) {
            report.add(
                grouped(cache.count), mebibytes(bytes), mebibytes(resident),
                "\(grouped(resident / (extent.services * extent.instances))) B")
        }
        report.show(command: Scale.commandLine)
    }

    /// The service's object as the API server would have it.
    private static func object(_ service: Int, _ registry: SyntheticRegistry) -> ActualObject? {
        guard case .services(_, let services) = registry.list(service), let (id, nodes) = services.first else {
            return nil
        }
        var assignments = Assignments()
        let described = Service(
            id: id, instances: nodes.values.sorted { $0.endpoint < $1.endpoint }, registries: [SyntheticRegistry.name])
        let translator = Translator(policy: Street.policy)
        guard let entry = translator.translate(described, &assignments, now: .zero).resource else { return nil }
        return ActualObject(
            key: entry.key, uid: "8f6b0b4e-0000-4000-8000-\(String(format: "%012d", service))",
            resourceVersion: "\(1_000_000 + service)", labels: entry.labels, annotations: entry.annotations,
            spec: entry.spec)
    }
}
