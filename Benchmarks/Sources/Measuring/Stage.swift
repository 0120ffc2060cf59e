import Foundation
import IsthmusTesting
import Kubernetes
import Logging
import ZooKeeper

/// A real ZooKeeper and a real API server on loopback, with a client of each, and the bridge's release build to put between them.
public struct Stage: Sendable {
    public static let entries = ResourceType(
        group: "networking.istio.io", version: "v1beta1", plural: "serviceentries", kind: "ServiceEntry")

    public let server: RealAPIServer
    public let zooKeeper: RealZooKeeper
    public let cluster: KubernetesClient
    public let registry: ZooKeeperClient
    private let isthmus: String
    private let folder: TemporaryFolder

    /// Reads the path of the program from the command line.
    public static func run(_ body: @Sendable (Stage) async throws -> Void) async throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: \(CommandLine.arguments[0]) PATH-OF-ISTHMUS")
            exit(64)
        }
        let server = try await RealAPIServer.start()
        let zooKeeper = try await RealZooKeeper.start()
        let stage = Stage(
            server: server, zooKeeper: zooKeeper,
            cluster: try KubernetesClient(
                .kubeconfig(path: server.kubeconfig, context: nil), userAgent: "benchmark",
                logger: Logger(label: "benchmark")),
            registry: ZooKeeperClient(try ConnectionString(zooKeeper.connectString)),
            isthmus: CommandLine.arguments[1], folder: try TemporaryFolder(label: "benchmark"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await stage.registry.run() }
            try await body(stage)
            group.cancelAll()
        }
        await stage.cluster.shutdown()
        await zooKeeper.stop()
        await server.stop()
    }

    /// Starts the bridge, which writes to `namespace`; ends it after `body`.
    ///
    /// - Parameter delivery: A line for the section `delivery` of its configuration.
    public func withBridge(
        namespace: String, delivery: String? = nil, _ body: (ChildProcess) async throws -> Void
    ) async throws {
        let configuration = try folder.write(
            """
            registries:
            - { name: zookeeper, zookeeper: { servers: ["\(zooKeeper.connectString)"] } }
            translation: { namespace: \(namespace) }
            delivery:
              kubernetes: [{ kubeconfig: \(server.kubeconfig) }]
            \(delivery.map { "  \($0)" } ?? "")
            """, to: "\(namespace).yaml")
        let bridge = try ChildProcess.start(
            "isthmus", executable: isthmus, arguments: ["run", "--config", configuration],
            log: folder.path(of: "\(namespace)-\(UInt32.random(in: 0...UInt32.max)).log"))
        try await body(bridge)
        _ = await bridge.stop()
    }

    /// The address of the provider with this number.
    public static func address(_ number: Int) -> String {
        "10.\(number / 62_500 % 250).\(number / 250 % 250).\(number % 250 + 1)"
    }

    /// Registers a provider of an interface whose directory stands.
    public func register(_ interface: String, _ number: Int) async throws {
        try await registry.create(path(interface, number))
    }

    public func deregister(_ interface: String, _ number: Int) async throws {
        try await registry.delete(path(interface, number))
    }

    private func path(_ interface: String, _ number: Int) -> String {
        let url =
            "dubbo%3A%2F%2F\(Self.address(number))%3A20880%2F\(interface)%3Fanyhost%3Dtrue%26application%3Dshop"
            + "%26dubbo%3D2.0.2%26interface%3D\(interface)%26methods%3Dget%2Clist%2Cput%26pid%3D\(number)"
            + "%26release%3D3.2.0%26side%3Dprovider%26timestamp%3D1700000000000%26version%3D1.0.0"
        return "/dubbo/\(interface)/providers/\(url)"
    }

    /// What the bridge asked of the API server so far.
    public func bridgeRequests() throws -> [AuditedRequest] {
        try server.requests().filter { $0.userAgent.hasPrefix("isthmus/") }
    }
}

/// What the operating system knows of a process (`proc(5)`).
public struct ProcessUsage {
    /// User and system time.
    public var cpu: Duration
    /// Resident memory now and at its highest, in MiB.
    public var resident: Int
    public var peakResident: Int

    public init(pid: Int32) throws {
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        let fields = stat.drop { $0 != ")" }.split(separator: " ")
        // Ticks of 10 ms: user time and system time are the 14th and 15th field of the file.
        cpu = .milliseconds(10 * ((Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)))
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        func mebibytes(_ key: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
            return (Int(line.filter(\.isNumber)) ?? 0) / 1024
        }
        resident = mebibytes("VmRSS")
        peakResident = mebibytes("VmHWM")
    }
}

public func seconds(_ duration: Duration) -> String { String(format: "%.2f s", duration / .seconds(1)) }

public func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}
