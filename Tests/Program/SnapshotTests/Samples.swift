import Addressing
import Foundation
import IsthmusTesting
import IstioAPI
import Services
import Snapshot
import Testing

extension SnapshotRecord {
    /// `com.acme.S0` for 0, with so many instances.
    static func sample(_ number: Int, instances: Int = 1) -> SnapshotRecord {
        let name = "com.acme.S\(String(repeating: "0", count: 4 - "\(number)".count))\(number)"
        return SnapshotRecord(
            id: ServiceID(name: name, protocol: "dubbo"),
            assignment: Assignment(objectName: name.lowercased(), address: .v4(0xF010_0000 + UInt32(number))),
            registries: ["zk"],
            instances: (0..<instances).map {
                Instance(
                    host: .address(.v4(0x0A00_0000 + UInt32($0))), port: 20880, application: "shop")
            })
    }

    /// With everything that can stand in a record, and what looks like JSON or the end of a line in its names.
    static func random(_ random: inout SeededGenerator) -> SnapshotRecord {
        let emptyFor = UInt32.random(in: 0...UInt32.max, using: &random)
        let assignment = Assignment(
            objectName: text(&random), address: Bool.random(using: &random) ? address(&random) : nil,
            port: Bool.random(using: &random) ? .random(in: 0...UInt16.max, using: &random) : nil,
            resolvesNames: .random(using: &random),
            emptyFor: Bool.random(using: &random) ? .milliseconds(Int64(emptyFor)) : nil,
            hasWorkloads: .random(using: &random))
        return SnapshotRecord(
            id: ServiceID(
                name: text(&random),
                qualifiers: [
                    "protocol": "p" + text(&random), "group": text(&random), "version": text(&random),
                    "scope": text(&random), "": text(&random),
                ])!,
            assignment: Bool.random(using: &random) ? assignment : nil,
            registries: (0..<Int.random(in: 0...2, using: &random)).map { _ in text(&random) },
            instances: (0..<Int.random(in: 0...4, using: &random)).map { _ in instance(&random) })
    }

    private static func instance(_ random: inout SeededGenerator) -> Instance {
        Instance(
            host: Bool.random(using: &random) ? .address(address(&random)) : .name(text(&random)),
            port: .random(in: 0...UInt16.max, using: &random),
            weight: Bool.random(using: &random) ? 100 : .random(in: 0...UInt32.max, using: &random),
            isEnabled: .random(using: &random), isHealthy: .random(using: &random), application: text(&random),
            attributes: (0..<Int.random(in: 0...2, using: &random)).map { _ in
                .init(key: Bool.random(using: &random) ? "region" : text(&random), value: text(&random))
            },
            locality: Bool.random(using: &random)
                ? .unknown : Locality(region: text(&random), zone: text(&random), subzone: text(&random)))
    }

    private static func address(_ random: inout SeededGenerator) -> IPAddress {
        Bool.random(using: &random)
            ? .v4(.random(in: 0...UInt32.max, using: &random))
            : .v6(IPv6Bits(.random(in: 0...UInt128.max, using: &random)))
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "com.acme", "Orders", "é", "e\u{301}", "\u{301}", "订单", "👩‍👧", "\"", "\\", "\n", "\r\n", "\0", "\u{2028}",
            "{", "10.0.0.1",
        ]
        return (0..<Int.random(in: 0...3, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
    }
}

/// Records that are already there.
struct Records: SnapshotSource {
    private let records: [SnapshotRecord]

    init(_ records: some Sequence<SnapshotRecord>) {
        self.records = records.sorted { $0.id < $1.id }
    }

    func snapshotPage(after: ServiceID?, limit: Int) async -> [SnapshotRecord] {
        Array(records.drop { record in after.map { record.id <= $0 } ?? false }.prefix(limit))
    }
}

extension TemporaryFolder {
    /// Where the snapshot of a test lies.
    var snapshotPath: String { path(of: "state") }

    func bytes(_ name: String = "state") throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path(of: name))))
    }

    func store(_ bytes: some Sequence<UInt8>, as name: String = "state") throws {
        try Data(bytes).write(to: URL(filePath: path(of: name)))
    }

    /// The files in it, but for locks.
    var files: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasSuffix(".lock") }.sorted()
        }
    }
}

extension SnapshotFile.ReadOutcome {
    var records: [SnapshotRecord]? { if case .records(let records, _) = self { records } else { nil } }

    /// Where the file is now that was set aside, and why it was.
    var aside: (path: String, reason: String)? {
        if case .setAside(let path, let reason) = self { (path, reason) } else { nil }
    }

    var unreadableReason: String? { if case .unreadable(let reason) = self { reason } else { nil } }
}
