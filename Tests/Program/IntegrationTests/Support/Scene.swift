internal import IsthmusTesting
internal import JSON
internal import Logging
internal import NIOCore
internal import Synchronization
internal import ZooKeeper

/// A ZooKeeper, a namespace of the API server, and the bridge between them as users run it: the built program.
struct Scene: Sendable {
    let zooKeeper: RealZooKeeper
    /// The znode below which the scene's registry is; empty for the root.
    let chroot: String
    let server: RealAPIServer
    let namespace: String

    private static let count = Atomic(0)

    /// Runs a body on a chroot of the ZooKeeper that tests share.
    ///
    /// - Parameter server: The one that all tests share, unless a test needs one of its own.
    static func run(server: RealAPIServer? = nil, _ body: (Scene) async throws -> Void) async throws {
        let zooKeeper = try await RealZooKeeper.shared()
        try await run(server: server) { server, namespace in
            let chroot = "/\(namespace)"
            try await zooKeeper.withClient { _ = try await $0.create(chroot) }
            try await body(Scene(zooKeeper: zooKeeper, chroot: chroot, server: server, namespace: namespace))
        }
    }

    /// Runs a body with a ZooKeeper of its own, which it may stop, freeze, or look at from outside.
    ///
    /// - Parameters:
    ///   - maxSessionTimeout: What ZooKeeper cuts longer sessions to.
    ///   - certificates: Those of a secure port that it has too.
    static func runAlone(
        maxSessionTimeout: Duration = .seconds(4), certificates: TestCertificates? = nil,
        _ body: (Scene) async throws -> Void
    ) async throws {
        try await run(server: nil) { server, namespace in
            try await RealZooKeeper.withServer(
                maxSessionTimeout: maxSessionTimeout, certificates: certificates
            ) { zooKeeper in
                try await body(Scene(zooKeeper: zooKeeper, chroot: "", server: server, namespace: namespace))
            }
        }
    }

    private static func run(
        server: RealAPIServer?, _ body: (RealAPIServer, String) async throws -> Void
    ) async throws {
        let server = if let server { server } else { try await RealAPIServer.shared() }
        let namespace = "scene-\(count.add(1, ordering: .relaxed).newValue)"
        try await server.createNamespace(namespace)
        do {
            try await body(server, namespace)
        } catch {
            try? await removeEntries(of: namespace, from: server)
            throw error
        }
        try await removeEntries(of: namespace, from: server)
    }

    /// Scenes have the same hosts, and a bridge adds nothing to what others have. A scene's further namespaces are called
    /// like its first one, and `-…`.
    private static func removeEntries(of namespace: String, from server: RealAPIServer) async throws {
        let namespaces = try await server.kubectl("get", "namespaces", "-o", "name").split(separator: "\n")
            .map { $0.replacing("namespace/", with: "") }
        for name in namespaces where name == namespace || name.hasPrefix(namespace + "-") {
            // A server without the definitions has no entries.
            _ = try? await server.kubectl(
                "delete", "--raw", "/apis/networking.istio.io/v1beta1/namespaces/\(name)/serviceentries")
        }
    }

    /// `127.0.0.1:PORT`, and the chroot where there is one, as clients take it.
    var connectString: String { zooKeeper.connectString + chroot }

    /// The bridge while `body` runs; stopped by SIGTERM after that, which it must obey with exit code 0.
    ///
    /// - Parameter arguments: Those of `run`; by default the flags that lead to the scene's servers.
    func withBridge(_ arguments: [String]? = nil, _ body: (ChildProcess) async throws -> Void) async throws {
        let folder = try TemporaryFolder(label: "bridge")
        let bridge = try ChildProcess.start(
            "isthmus", executable: ServerTools.builtProduct("isthmus"),
            arguments: ["run"] + (arguments ?? connection()), log: folder.path(of: "log"))
        try await Self.stopping({ bridge }) { try await body(bridge) }
    }

    /// Stops a bridge however the body ends, and shows its log when that is with an error.
    static func stopping(_ bridge: () -> ChildProcess, after body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            let log = bridge().logTail(lines: 60)
            _ = await bridge().stop()
            throw TestSupportError("\(error)\nThe bridge's log:\n\(log)")
        }
        let status = await bridge().stop()
        guard status == .code(0) else {
            throw TestSupportError("the bridge ended with \(status):\n\(bridge().logTail(lines: 60))")
        }
    }

    // MARK: The registry

    /// Registers a provider in a znode that stays, as Dubbo does for one with `dynamic=false`.
    func register(_ url: String, interface: String = PythonDubbo.demoService) async throws {
        try await withZooKeeper { client in
            let providers = "/dubbo/\(interface)/providers"
            try await client.ensurePath(providers)
            try await client.create(providers + "/" + Self.encoded(url))
        }
    }

    func deregister(_ url: String, interface: String = PythonDubbo.demoService) async throws {
        try await withZooKeeper { try await $0.delete("/dubbo/\(interface)/providers/" + Self.encoded(url)) }
    }

    func withZooKeeper(_ body: (ZooKeeperClient) async throws -> Void) async throws {
        try await zooKeeper.withClient(below: chroot, body)
    }

    /// As `java.net.URLEncoder` writes it.
    static func encoded(_ url: String) -> String {
        url.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "*"):
                String(UnicodeScalar(byte))
            default:
                (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    // MARK: The cluster

    /// The ServiceEntries of the namespace by name, as `kubectl` gets them.
    func entries() async throws -> [String: JSONValue] {
        let output = try await server.kubectl("get", "serviceentries", "-n", namespace, "-o", "json")
        var entries: [String: JSONValue] = [:]
        for item in try JSONValue(parsing: Array(output.utf8))["items"]?.array ?? [] {
            entries[item["metadata"]?["name"]?.string ?? ""] = item
        }
        return entries
    }

    func entry(
        _ name: String, within limit: Duration = .seconds(60), where holds: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        let seen = try await eventually("the ServiceEntry \(name) is as expected", within: limit) {
            try await entries()
        } until: { (entries: [String: JSONValue]) in
            entries[name].map(holds) ?? false
        }
        guard let entry = seen[name] else { throw TestSupportError("there is no \(name)") }
        return entry
    }

    /// What the bridge wrote, or tried to, for the services of the namespace: its lease and its rule aside.
    func writes() throws -> [AuditedRequest] {
        try server.requests().filter {
            $0.isWrite && $0.namespace == namespace && $0.userAgent.hasPrefix("isthmus/")
                && !["leases", "destinationrules"].contains($0.resource)
        }
    }
}

extension RealZooKeeper {
    /// A client of the server while the body runs.
    func withClient(below chroot: String = "", _ body: (ZooKeeperClient) async throws -> Void) async throws {
        try await ZooKeeperClient.withClient(try ConnectionString(connectString + chroot), body)
    }
}

extension JSONValue {
    /// `address:port` of each endpoint, by the name of the service port.
    func endpoints(on port: String) -> [String] {
        (self["spec"]?["endpoints"]?.array ?? []).compactMap { endpoint in
            guard let address = endpoint["address"]?.string, let number = endpoint["ports"]?[port]?.integer else {
                return nil
            }
            return "\(address):\(number)"
        }
    }

    var endpointCount: Int? { self["spec"]?["endpoints"]?.array?.count }

    var virtualAddresses: [String] { (self["spec"]?["addresses"]?.array ?? []).compactMap(\.string) }
}
