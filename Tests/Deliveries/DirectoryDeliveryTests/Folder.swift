import Deliveries
import DirectoryDelivery
import Foundation
import IsthmusTesting
import IstioAPI
import Logging
import Planning

/// A temporary folder, what should be in it, and a delivery that sees to it.
struct Folder: Sendable {
    static let ownership = Ownership(
        labels: ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"],
        annotationPrefix: "isthmus.mesh/")

    let path: String
    let wishes = Wishes()

    static func with(_ body: (Folder) async throws -> Void) async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("isthmus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try await body(Folder(path: url.path))
    }

    var delivery: FileDelivery { delivery(at: "out") }

    func delivery(at name: String) -> FileDelivery {
        FileDelivery(
            name: "test", folder: "\(path)/\(name)", ownership: Self.ownership,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// A delivery runs while the body runs.
    func withDelivery(_ body: (FileDelivery) async throws -> Void) async throws {
        let delivery = delivery
        wishes.reset()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await delivery.run(desired: wishes) }
            defer { group.cancelAll() }
            try await body(delivery)
        }
    }

    func wish(_ entries: ServiceEntry..., of delivery: FileDelivery) {
        for entry in entries { wishes[entry.key] = .present(entry) }
        delivery.changed(entries.map(\.key))
    }

    func wish(absent name: String, of delivery: FileDelivery) {
        wishes[.in(name)] = .absent
        delivery.changed([.in(name)])
    }

    // MARK: Files

    /// All files of the delivery, hidden ones too.
    var files: [String] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: "\(path)/out")) ?? []
        return paths.filter { $0.contains("/") }.sorted()
    }

    func text(_ name: String) throws -> String { try text(at: "dubbo/\(name).yaml") }

    func text(at file: String) throws -> String { try String(contentsOfFile: "\(path)/out/\(file)", encoding: .utf8) }

    func write(_ text: String, to file: String) throws {
        try makeFolder("dubbo")
        let target = file == "file" ? "\(path)/\(file)" : "\(path)/out/\(file)"
        try text.write(toFile: target, atomically: false, encoding: .utf8)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/out/\(name)", withIntermediateDirectories: true)
    }

    func remove(_ file: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/out/\(file)")
    }

    /// Changes when the file is written anew, in its place or by another one.
    func identity(_ name: String) throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/out/dubbo/\(name).yaml")
        let date = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        return "\(attributes[.systemFileNumber] ?? "") \(date)"
    }
}

/// What should be, and what became of it.
final class Wishes: DesiredState {
    private struct State {
        var wanted: [ResourceKey: Wanted] = [:]
        var seeded: [ActualObject] = []
        var receipts: [Receipt] = []
    }

    private let state = Observed(State())

    subscript(key: ResourceKey) -> Wanted {
        get { state.value.wanted[key] ?? .undecided }
        set { state.change { $0.wanted[key] = newValue } }
    }

    var seeded: [ActualObject] { state.value.seeded }
    var receipts: [Receipt] { state.value.receipts }

    /// Forgets everything but what is wanted.
    func reset() {
        state.change { state in
            state.seeded = []
            state.receipts = []
        }
    }

    func seed(_ objects: [ActualObject], from delivery: String) async {
        state.change { $0.seeded = objects }
    }

    func wanted(_ key: ResourceKey) async -> Wanted { self[key] }

    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture? {
        let wanted = state.value.wanted
        let service = WorkloadEntry.serviceEntry(ofWorkload: key).flatMap { wanted[$0]?.resource }
        return WorkloadDeparture(wanted[key] ?? .undecided, of: service)
    }

    func adopt(_ objects: [ActualObject], from delivery: String) async {}

    func everyKey() async -> [ResourceKey] { [] }

    func delivered(_ receipt: Receipt) async { state.change { $0.receipts.append(receipt) } }

    func settled() async {}

    /// Returns when there are this many receipts.
    func receive(_ count: Int) async {
        await wait { $0.count >= count }
    }

    /// Returns when the receipts are as wanted.
    func wait(until holds: @escaping @Sendable ([Receipt]) -> Bool) async { await state.wait { holds($0.receipts) } }
}

extension Receipt {
    /// Why it was not written.
    var failure: String? {
        switch outcome {
        case .refused(let reason), .fieldConflict(let reason), .failed(let reason): reason
        case .created, .updated, .deleted: nil
        }
    }
}

extension ResourceKey {
    static func `in`(_ name: String) -> ResourceKey { ResourceKey(namespace: "dubbo", name: name) }
}

extension ServiceEntry {
    /// One that 10.0.0.`endpoints` serve.
    static func sample(_ name: String, _ endpoints: Int...) -> ServiceEntry { sample(name, endpoints: endpoints) }

    static func sample(_ name: String, endpoints: [Int]) -> ServiceEntry {
        ServiceEntry(
            key: .in(name), labels: Folder.ownership.labels, annotations: ["isthmus.mesh/service": name],
            hosts: ["\(name).example"], addresses: ["240.16.0.1"],
            ports: [.init(number: 20880, name: "tcp-dubbo", protocol: "TCP")],
            endpoints: endpoints.map { .init(address: "10.0.0.\($0)", ports: ["tcp-dubbo": 20880]) })
    }
}
