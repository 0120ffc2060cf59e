internal import IsthmusTesting
internal import JSON
internal import Synchronization

/// A replica of the bridge, behind a bad network of its own.
final class SoakReplica: Sendable {
    let name: String
    let registryProxy: ChaosProxy
    let clusterProxy: ChaosProxy
    private let configuration: String
    private let record: SoakRecord
    private let logPath: String
    private let process: Mutex<ChildProcess>

    /// Starts it.
    init(
        _ name: String, record: SoakRecord, registryProxy: ChaosProxy, clusterProxy: ChaosProxy, server: RealAPIServer,
        folder: TemporaryFolder
    ) throws {
        self.name = name
        self.record = record
        self.registryProxy = registryProxy
        self.clusterProxy = clusterProxy
        let token = try folder.write("secret\n", to: "token-\(name)")
        configuration = try folder.write(
            """
            instance: \(SoakInvariants.instance)
            registries:
              - name: zk-main
                zookeeper: { servers: ["\(registryProxy.address)"], sessionTimeout: 4s }
            translation:
              namespace: \(SoakScene.namespace)
              addresses: { cidr: 240.16.0.0/25 }
              emptyRetention: 6s
            delivery: { kubernetes: [{ kubeconfig: "\(try server.kubeconfig(through: clusterProxy))" }] }
            guard: { maxRemovalPercent: 20, minRemovals: 10, window: \(SoakScene.guardWindow)s, holdFor: 1h }
            leadership: { leaseDuration: 4s, renewDeadline: 3s, retryPeriod: 500ms }
            admin: { listen: "127.0.0.1:\(try Loopback.freePort())", tokenFile: "\(token)" }
            state: { path: "\(folder.path(of: "state-\(name)"))" }

            """, to: "isthmus-\(name).yaml")
        logPath = "\(ServerTools.packageRoot)/.build/soak-\(record.seed)/\(name).log"
        process = Mutex(try Self.start(name, configuration, logPath))
        record.update { $0.memory.started(name) }
    }

    private static func start(_ name: String, _ configuration: String, _ log: String) throws -> ChildProcess {
        try ChildProcess.start(
            "isthmus \(name)", executable: ServerTools.builtProduct("isthmus"),
            arguments: ["run", "--config", configuration], log: log)
    }

    var current: ChildProcess { process.withLock { $0 } }

    /// After ``ChildProcess/kill()`` or ``ChildProcess/stop(within:)`` of the current process.
    func restart() throws {
        let fresh = try Self.start(name, configuration, logPath)
        process.withLock { $0 = fresh }
        record.update { $0.memory.started(name) }
    }

    func sample() {
        let pid = current.pid
        record.update { $0.memory.sample(name, pid: pid) }
    }

    // MARK: Its commands

    func status() async throws -> JSONValue {
        let output = try await Scene.isthmus(["status", "--config", configuration, "--output", "json"])
        guard output.status == .code(0) else { throw TestSupportError("replica \(name): \(output.standardError)") }
        return try JSONValue(parsing: output.standardOutput)
    }

    func release() async throws {
        let output = try await Scene.isthmus(["release", "zk-main", "--config", configuration])
        guard output.status == .code(0) else { throw TestSupportError("replica \(name): \(output.standardError)") }
    }
}

extension JSONValue {
    /// In a bridge's status: how many instances are held.
    var heldCount: Int64 { (self["registries"]?.array ?? []).reduce(0) { $0 + ($1["hold"]?["held"]?.integer ?? 0) } }

    var isLeading: Bool { self["deliveries"]?.array?.first?["leadership"] == "leading" }

    /// In a bridge's status: all that is not well.
    var complaints: [String] {
        var complaints: [String] = []
        if self["ready"] != .bool(true) { complaints.append("not ready") }
        for registry in self["registries"]?.array ?? [] {
            if registry["health"] != "healthy" {
                complaints.append("the registry is \(registry["health"]?.string ?? "?")")
            }
            if registry["hold"] != nil { complaints.append("\(heldCount) instances are held") }
            if registry["unreadableCount"] != 0 { complaints.append("services are unreadable") }
        }
        for delivery in self["deliveries"]?.array ?? [] {
            if delivery["pending"] != 0 { complaints.append("\(delivery["pending"]?.integer ?? -1) objects wait") }
            for failure in delivery["failures"]?.array ?? [] {
                complaints.append(String(decoding: failure.bytes, as: UTF8.self))
            }
        }
        return complaints
    }
}
