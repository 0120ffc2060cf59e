import Foundation
import JSON
import Sandbox
import Text
import ZooKeeper

/// A scene of providers that come and go. Each step waits until the cluster shows its effect.
struct DemoScene: Sendable {
    static let namespace = "dubbo"
    private static let interface = "com.acme.OrderService"
    /// The name of its ServiceEntry.
    private static let object = "com.acme.orderservice"

    let registry: ZooKeeperServer
    let servers: ConnectionString
    let cluster: APIServer

    /// An event, and the endpoints that the cluster must have after it, by the names of the ServiceEntries.
    private struct Step: Sendable {
        var text: String
        var leadsTo: [String: [String]]
        var act: @Sendable () async throws -> Void
    }

    func play(pause: Duration) async throws {
        let first = DemoProvider("dubbo", "10.1.0.1", 20880, servers)
        let second = DemoProvider("dubbo", "10.1.0.2", 20880, servers)
        let third = DemoProvider("tri", "10.1.0.3", 50051, servers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for provider in [first, second, third] {
                group.addTask { await provider.client.run() }
                try await provider.client.waitUntilConnected()
            }
            for step in steps(first, second, third) {
                try await perform(step)
                try await Task.sleep(for: pause)
            }
            group.cancelAll()
        }
    }

    private func steps(_ first: DemoProvider, _ second: DemoProvider, _ third: DemoProvider) -> [Step] {
        let interface = Self.interface
        let object = Self.object
        let tri = object + ".p-tri"
        // A second round begins with the empty entries that the first round left.
        return [
            Step(text: "\(first) registers \(interface)", leadsTo: [object: ["10.1.0.1:20880"]]) {
                try await first.register(interface)
            },
            Step(text: "\(second) joins", leadsTo: [object: ["10.1.0.1:20880", "10.1.0.2:20880"]]) {
                try await second.register(interface)
            },
            Step(text: "\(third) serves it too, over another protocol", leadsTo: [tri: ["10.1.0.3:50051"]]) {
                try await third.register(interface)
            },
            Step(text: "\(first) crashes; its session expires", leadsTo: [object: ["10.1.0.2:20880"]]) {
                await registry.expireSession(try await first.sessionID())
            },
            Step(text: "\(second) and \(third) leave", leadsTo: [object: [], tri: []]) {
                try await second.deregister(interface)
                try await third.deregister(interface)
            },
        ]
    }

    /// Prints the step, performs it, and prints what the cluster shows then and after how long.
    private func perform(_ step: Step) async throws {
        try StandardOutput.writeLine(step.text)
        let start = ContinuousClock.now
        try await step.act()
        try await cluster.wait { store in
            let endpoints = Self.endpoints(store)
            return step.leadsTo.allSatisfy { endpoints[$0.key] == $0.value }
        }
        try StandardOutput.writeLine("  in the cluster after \(start.duration(to: .now).readable):")
        for line in Self.describe(await cluster.store) { try StandardOutput.writeLine("    \(line)") }
    }

    // MARK: The state of the cluster

    private static func specs(_ store: ResourceStore) -> [(name: String, spec: JSONValue)] {
        store.keys(.serviceEntry).compactMap { key in
            store.object(.serviceEntry, namespace: key.namespace, name: key.name)?["spec"].map { (key.name, $0) }
        }
    }

    /// `address:port` of each endpoint, by the name of the ServiceEntry.
    private static func endpoints(_ store: ResourceStore) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: specs(store).map { ($0.name, endpoints($0.spec)) })
    }

    private static func endpoints(_ spec: JSONValue) -> [String] {
        (spec["endpoints"]?.array ?? []).map { endpoint in
            let port = endpoint["ports"]?.object?.members.first?.value.integer ?? 0
            return "\(endpoint["address"]?.string ?? ""):\(port)"
        }
    }

    private static func describe(_ store: ResourceStore) -> [String] {
        specs(store).map { _, spec in
            let host = spec["hosts"]?.array?.first?.string ?? ""
            let address = spec["addresses"]?.array?.first?.string ?? ""
            let port = spec["ports"]?.array?.first
            let front = "\(address):\(port?["number"]?.integer ?? 0) \(port?["name"]?.string ?? "")"
            let endpoints = endpoints(spec).joined(separator: ", ")
            return "\(host)  \(front) → \(endpoints.isEmpty ? "no endpoint" : endpoints)"
        }
    }
}

/// A provider with its own session, as each real one has.
struct DemoProvider: Sendable, CustomStringConvertible {
    let client: ZooKeeperClient
    private let url: String

    init(_ scheme: String, _ address: String, _ port: Int, _ servers: ConnectionString) {
        client = ZooKeeperClient(servers)
        url = "\(scheme)://\(address):\(port)"
    }

    var description: String { url }

    func sessionID() async throws -> Int64 {
        try await client.waitUntilConnected().id
    }

    func register(_ interface: String) async throws {
        try await client.ensurePath("/dubbo/\(interface)/providers")
        try await client.create(znode(interface), mode: .ephemeral)
    }

    func deregister(_ interface: String) async throws {
        try await client.delete(znode(interface))
    }

    private func znode(_ interface: String) -> String {
        let query = "?application=shop&interface=\(interface)&side=provider"
        return "/dubbo/\(interface)/providers/\("\(url)/\(interface)\(query)".percentEncoded)"
    }
}
