internal import Foundation

/// A kube-apiserver of the test's own with its etcd, RBAC, tokens, certificates and Istio's definitions of
/// `ServiceEntry` and `WorkloadEntry`, on free loopback ports.
///
/// There is no controller manager: nothing is garbage-collected, and a deleted namespace never finishes deleting.
public final class RealAPIServer: Sendable {
    /// The users of the server's token file, which are contexts of the kubeconfig as well.
    public enum User: String, Sendable, CaseIterable {
        /// May do everything; authenticates by token. The kubeconfig's current context.
        case admin
        /// May do everything; authenticates by client certificate.
        case certificate
        /// Is authenticated by token and may do only what the test grants to the RBAC user `nobody`.
        case nobody
    }

    /// The server's HTTPS port on 127.0.0.1.
    public let port: Int
    /// A kubeconfig with one context per ``User``.
    public let kubeconfig: String
    /// `kubectl` as ``User/admin``.
    public let kubectl: Kubectl
    public let etcd: RealEtcd

    let audit: AuditLog
    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `https://127.0.0.1:PORT`.
    public var url: String { "https://127.0.0.1:\(port)" }

    /// Starts etcd and the API server, loads the definitions, and returns when lists of them are served (about 6 s).
    ///
    /// - Parameters:
    ///   - namespaces: made before it returns.
    ///   - definitions: whether it knows Istio's definitions from the start; ``loadDefinitions()`` adds them later.
    ///   - watchCache: without it lists and watches are served from etcd, so that they fail with 410 Gone for a
    ///     resource version that is older than the last ``RealEtcd/compact()``.
    ///   - arguments: added to the command line, such as `--max-mutating-requests-inflight=1`.
    /// - Throws: ``TestSupportError`` when a tool is missing or a server doesn't come up.
    public static func start(
        namespaces: [String] = [], definitions: Bool = true, watchCache: Bool = true, arguments: [String] = []
    ) async throws -> RealAPIServer {
        let tools = try ServerTools.locate()
        let etcd = try await RealEtcd.start()
        let port = try Loopback.freePort()
        let folder = try TemporaryFolder(label: "kube-apiserver")
        let credentials = try await Credentials.make(in: folder, openssl: tools.openssl)
        let kubeconfig = try folder.write(credentials.kubeconfig(port: port), to: "kubeconfig")
        let audit = try AuditLog(in: folder)
        let kubectl = try Kubectl(kubeconfig: kubeconfig, executable: tools.kubectl)
        let server = try await RestartableServer {
            let process = try ChildProcess.start(
                "kube-apiserver", executable: tools.kubeAPIServer,
                arguments: options(port: port, etcd: etcd, credentials: credentials, folder: folder, audit: audit)
                    + ["--watch-cache=\(watchCache)"] + arguments,
                log: folder.path(of: "log"))
            try await process.waitUntilReady { try await kubectl("get", "--raw", "/readyz") == "ok" }
            return process
        }
        let apiServer = RealAPIServer(
            port: port, kubeconfig: kubeconfig, kubectl: kubectl, etcd: etcd, audit: audit, folder: folder,
            server: server)
        if definitions { try await apiServer.loadDefinitions() }
        for namespace in namespaces { try await apiServer.createNamespace(namespace) }
        return apiServer
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        namespaces: [String] = [], definitions: Bool = true, watchCache: Bool = true, arguments: [String] = [],
        isolation: isolated (any Actor)? = #isolation, _ body: (RealAPIServer) async throws -> Value
    ) async throws -> Value {
        let server = try await start(
            namespaces: namespaces, definitions: definitions, watchCache: watchCache, arguments: arguments)
        return try await with(server, stop: { await $0.stop() }, isolation: isolation, body)
    }

    private init(
        port: Int, kubeconfig: String, kubectl: Kubectl, etcd: RealEtcd, audit: AuditLog, folder: TemporaryFolder,
        server: RestartableServer
    ) {
        self.port = port
        self.kubeconfig = kubeconfig
        self.kubectl = kubectl
        self.etcd = etcd
        self.audit = audit
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends the server and its etcd for good.
    public func stop() async {
        await server.kill()
        await etcd.kill()
    }

    /// Ends the server, not its etcd, as a crash would, and waits until it is gone.
    public func kill() async { await server.kill() }

    /// Starts the server on the same port with the same data, after stopping it if it runs; returns when it is ready.
    ///
    /// - Throws: ``TestSupportError`` when it doesn't come up.
    public func restart() async throws { try await server.restart() }

    /// Freezes the server: connections stay open, and nothing is answered.
    public func pause() async { await process.pause() }

    /// Lets it go on after ``pause()``.
    public func resume() { process.resume() }

    /// A kubeconfig that differs from ``kubeconfig`` in its way to the server: through a proxy.
    ///
    /// - Throws: ``TestSupportError`` when it can't be written.
    public func kubeconfig(through proxy: ChaosProxy) throws -> String {
        let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        return try folder.write(
            text.replacingOccurrences(of: url, with: "https://\(proxy.address)"), to: "kubeconfig-\(proxy.port)")
    }

    /// Makes a namespace.
    ///
    /// - Throws: ``TestSupportError`` with what `kubectl` said.
    public func createNamespace(_ name: String) async throws {
        try await kubectl("create", "namespace", name)
    }
}
