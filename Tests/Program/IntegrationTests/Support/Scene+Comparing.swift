internal import Foundation
internal import IsthmusTesting
internal import IstioAPI
internal import IstiodOracle
internal import JSON
internal import ZooKeeper

/// A provider of `dubbo://`.
struct Provider: Sendable, Hashable {
    var interface: String
    /// `IP:PORT`.
    var address: String
    var parameters = ""

    /// So many providers, on addresses of their own.
    static func many(_ interface: String, _ numbers: Range<Int>, parameters: String = "") -> [Provider] {
        numbers.map {
            Provider(
                interface: interface, address: "10.\(1 + $0 >> 16).\($0 >> 8 & 255).\($0 & 255):20880",
                parameters: parameters)
        }
    }

    var path: String {
        let url = "dubbo://\(address)/\(interface)?application=shop&interface=\(interface)&side=provider\(parameters)"
        return "/dubbo/\(interface)/providers/" + Scene.encoded(url)
    }
}

extension Scene {
    func register(_ providers: [Provider]) async throws {
        try await withZooKeeper { client in
            for interface in Set(providers.map(\.interface)) {
                try await client.ensurePath("/dubbo/\(interface)/providers")
            }
            try await Self.each(providers) { try await client.create($0.path) }
        }
    }

    func deregister(_ providers: [Provider]) async throws {
        try await withZooKeeper { client in
            try await Self.each(providers) { try await client.delete($0.path) }
        }
    }

    private static func each(_ providers: [Provider], _ body: @escaping @Sendable (Provider) async throws -> Void)
        async throws
    {
        try await withThrowingDiscardingTaskGroup { group in
            for provider in providers { group.addTask { try await body(provider) } }
        }
    }

    // MARK: Both ends of the street

    /// `IP:PORT` of each provider by interface, as ZooKeeper has them now; interfaces without providers are left out.
    func registered() async throws -> [String: [String]] {
        var registered: [String: [String]] = [:]
        try await withZooKeeper { client in
            for interface in try await client.children(of: "/dubbo") {
                let addresses = try await client.children(of: "/dubbo/\(interface)/providers").map { node in
                    String((node.removingPercentEncoding ?? node).dropFirst("dubbo://".count).prefix { $0 != "/" })
                }
                if !addresses.isEmpty { registered[interface] = addresses.sorted() }
            }
        }
        return registered
    }

    /// Where the calls of each interface go from a sidecar, as `IP:PORT`; interfaces without endpoints are left out. An
    /// endpoint that stands there twice is here twice.
    func delivered() async throws -> [String: [String]] {
        let output = try await server.kubectl(
            "get", "serviceentries,workloadentries", "-n", namespace, "-o", "json")
        let items = try JSONValue(parsing: Array(output.utf8))["items"]?.array ?? []
        let objects = items.compactMap { ConfigObject($0) }
        let view = Istiod(objects).view(from: "shop", through: .sidecar)
        var delivered: [String: [String]] = [:]
        for entry in objects where entry.kind == ResourceKind.serviceEntry.rawValue {
            let service = entry.annotations["isthmus.mesh/service"] ?? "nobody's"
            let endpoints = view.endpoints(of: entry).map(\.description)
            if endpoints.isEmpty { continue }
            delivered[service.replacingOccurrences(of: "dubbo://", with: ""), default: []] += endpoints
        }
        return delivered.mapValues { $0.sorted() }
    }

    /// Returns when the cluster has exactly what the registry has.
    func waitUntilEqual(within limit: Duration = .seconds(60)) async throws {
        let registered = try await registered()
        try await eventually("the cluster has exactly what the registry has", within: limit) {
            try await delivered()
        } until: {
            $0 == registered
        }
    }

    // MARK: What was written

    /// Holds what the bridge wrote since the scene began against what was needed, by verb. To be called when the bridge
    /// has stopped, so that there is nothing more to come.
    func writes(
        expecting expected: [String: Int]
    ) async throws -> [String: Int] {
        let count = expected.values.reduce(0, +)
        // An answer may be there a moment before its line in the audit log.
        let seen = try await eventually("the audit log has all of \(expected)") {
            try writes()
        } until: {
            $0.count >= count
        }
        return Dictionary(grouping: seen, by: \.verb).mapValues(\.count)
    }
}
