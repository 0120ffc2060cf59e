import Dubbo
import Foundation
import IsthmusTesting
import NIOCore
import Sandbox
import Services
import Sources
import Testing
import ZooKeeper
import ZooKeeperRegistry

/// The tree of a ZooKeeper in which stock providers had registered, at one moment or at several.
struct RecordedRegistry: Sendable, CustomTestStringConvertible {
    private struct Document: Decodable {
        struct Moment: Decodable {
            struct Node: Decodable {
                var path: String
                var data: String?
            }

            var moment: String
            var nodes: [Node]
        }

        var root: String
        var moments: [Moment]
    }

    /// Such as `3.3.6/default`.
    let name: String

    var testDescription: String { name }

    static let all: [RecordedRegistry] = {
        let folder = URL(filePath: "\(ServerTools.packageRoot)/Tests/Fixtures/dubbo")
        let paths = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
        return paths.filter { $0.hasSuffix(".json") }.sorted().map { RecordedRegistry(name: String($0.dropLast(5))) }
    }()

    private func content(_ fileExtension: String) throws -> Data {
        try Data(
            contentsOf: URL(filePath: "\(ServerTools.packageRoot)/Tests/Fixtures/dubbo/\(name).\(fileExtension)"))
    }

    /// What a person says that stands there, in lines.
    func expected() throws -> [String] {
        String(decoding: try content("expected"), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What the source says that stands there.
    func seen(persistentWatches: Bool) async throws -> [String] {
        let document = try JSONDecoder().decode(Document.self, from: try content("json"))
        var lines: [String] = []
        for moment in document.moments {
            lines.append("\(moment.moment):")
            lines += try await withZooKeeperServer { server in
                // In the order in which the znodes were created.
                for node in moment.nodes {
                    try await server.makePath(node.path, data: .init(string: node.data ?? ""))
                }
                return try await Scene.firstView(
                    of: server, root: document.root, persistentWatches: persistentWatches
                ).lines
            }
        }
        return lines
    }
}

@Suite("Dubbo as stock providers register", .timeLimit(.minutes(1)))
struct RecordedRegistryTests {
    @Test("each recorded tree is read as a person reads it", arguments: RecordedRegistry.all)
    func trees(registry: RecordedRegistry) async throws {
        #expect(try await registry.seen(persistentWatches: true) == (try registry.expected()))
    }

    @Test(
        "so is it without persistent watches",
        arguments: RecordedRegistry.all.filter { $0.name.hasPrefix("2.7.23/") || $0.name.hasPrefix("by-hand/") })
    func oldServers(registry: RecordedRegistry) async throws {
        #expect(try await registry.seen(persistentWatches: false) == (try registry.expected()))
    }

    @Test("there are recordings of every version")
    func versions() {
        let versions = Set(RecordedRegistry.all.map { $0.name.prefix { $0 != "/" } })
        #expect(versions == ["2.7.23", "3.2.19", "3.3.6", "by-hand"])
    }
}

/// What a source shows of its registry.
struct ShownRegistry: Sendable {
    var instances: [ServiceID: [InstanceKey: Instance]] = [:]
    var notes: [RegistryNote] = []

    mutating func take(_ event: SourceEvent) {
        switch event {
        case .services(let name, let services):
            instances = instances.filter { $0.key.name != name }.merging(services) { $1 }
        case .added(let id, let key, let instance): instances[id, default: [:]][key] = instance
        case .removed(let id, let key, _): instances[id]?[key] = nil
        case .notes(let notes): self.notes = notes
        case .begin, .complete, .interrupted, .unreadable: break
        }
    }

    var lines: [String] {
        let services = instances.map { id, instances in
            let qualifiers = ["group", "version"].compactMap { key in id[key].map { " \(key)=\($0)" } }
            return ("\(id.name) \(id.protocol)" + qualifiers.joined(), instances)
        }
        return services.sorted { $0.0 < $1.0 }.flatMap { name, instances in
            Dictionary(grouping: instances.values, by: \.endpoint).sorted { $0.key < $1.key }.map { _, instances in
                "  \(name): \(instances.max { $0.succession < $1.succession }?.line ?? "")"
            }
        } + notes.map { "  not carried: \($0.count) \($0.subject) (\($0.examples.joined(separator: ", ")))" }
    }
}

extension Instance {
    fileprivate var line: String {
        var parts = ["\(host):\(port)"]
        if isEnabled, weight != Instance.defaultWeight { parts.append("weight=\(weight)") }
        if !isEnabled { parts.append("disabled") }
        parts.append("application=\(application)")
        return (parts + attributes.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
    }
}
