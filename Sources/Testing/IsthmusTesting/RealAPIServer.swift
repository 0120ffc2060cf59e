internal import Foundation

/// A kube-apiserver of the test's own with its etcd, RBAC, tokens, certificates and Istio's definitions of
/// `ServiceEntry` and `WorkloadEntry`, on free loopback ports.
///
/// The kube-apiserver is of 1.20: it ignores CEL rules and keeps unknown fields. A ``Model/modern`` one answers for
/// Istio's group as Kubernetes 1.36 does.
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

    /// Which server answers for Istio's group.
    public enum Model: String, Sendable {
        /// The kube-apiserver of 1.20 itself.
        case classic
        /// A server of 1.36 behind it.
        case modern

        /// What `ISTHMUS_API_SERVER` says; `classic` without it.
        public static let standard =
            ProcessInfo.processInfo.environment["ISTHMUS_API_SERVER"].flatMap { Model(rawValue: $0) } ?? .classic
    }

    /// The server's HTTPS port on 127.0.0.1.
    public let port: Int
    /// A kubeconfig with one context per ``User``.
    public let kubeconfig: String
    /// `kubectl` as ``User/admin``.
    public let kubectl: Kubectl
    public let etcd: RealEtcd

    let audit: AuditLog
    /// The server that has Istio's group; `nil` where the kube-apiserver has it itself.
    let extensions: ExtensionsAPIServer?
    private let folder: TemporaryFolder
    private let server: RestartableServer

    /// `https://127.0.0.1:PORT`.
    public var url: String { "https://127.0.0.1:\(port)" }

    /// Starts etcd and the API server, loads the definitions, and returns when lists of them are served (about 6 s).
    ///
    /// - Parameters:
    ///   - model: which server answers for Istio's group.
    ///   - namespaces: made before it returns.
    ///   - definitions: whether it knows Istio's definitions from the start; ``loadDefinitions()`` adds them later.
    ///   - watchCache: without it lists and watches are served from etcd, so that they fail with 410 Gone for a
    ///     resource version that is older than the last ``RealEtcd/compact()``.
    ///   - arguments: added to the command line, such as `--max-mutating-requests-inflight=1`.
    /// - Throws: ``TestSupportError`` when a tool is missing or a server doesn't come up.
    public static func start(
        model: Model = .standard, namespaces: [String] = [], definitions: Bool = true, watchCache: Bool = true,
        arguments: [String] = []
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
                    + (model == .modern ? ExtensionsAPIServer.frontOptions(credentials) : [])
                    + ["--watch-cache=\(watchCache)"] + arguments,
                log: folder.path(of: "log"))
            try await process.waitUntilReady { try await kubectl("get", "--raw", "/readyz") == "ok" }
            return process
        }
        let extensions: ExtensionsAPIServer? =
            if model == .modern {
                try await .start(
                    behind: kubeconfig, etcd: etcd, credentials: credentials, folder: folder, watchCache: watchCache)
            } else {
                nil
            }
        let apiServer = RealAPIServer(
            port: port, kubeconfig: kubeconfig, kubectl: kubectl, etcd: etcd, audit: audit, extensions: extensions,
            folder: folder, server: server)
        if definitions { try await apiServer.loadDefinitions() }
        for namespace in namespaces { try await apiServer.createNamespace(namespace) }
        return apiServer
    }

    /// Runs a body with a server of its own, and stops the server however the body ends.
    public static func withServer<Value>(
        model: Model = .standard, namespaces: [String] = [], definitions: Bool = true, watchCache: Bool = true,
        arguments: [String] = [],
        isolation: isolated (any Actor)? = #isolation, _ body: (RealAPIServer) async throws -> Value
    ) async throws -> Value {
        let server = try await start(
            model: model, namespaces: namespaces, definitions: definitions, watchCache: watchCache, arguments: arguments
        )
        return try await with(server, stop: { await $0.stop() }, isolation: isolation, body)
    }

    private init(
        port: Int, kubeconfig: String, kubectl: Kubectl, etcd: RealEtcd, audit: AuditLog,
        extensions: ExtensionsAPIServer?, folder: TemporaryFolder, server: RestartableServer
    ) {
        self.port = port
        self.kubeconfig = kubeconfig
        self.kubectl = kubectl
        self.etcd = etcd
        self.audit = audit
        self.extensions = extensions
        self.folder = folder
        self.server = server
    }

    /// The server's process, with its log.
    public var process: ChildProcess { server.process }

    /// Ends the server, the one behind it and its etcd for good.
    public func stop() async {
        await extensions?.stop()
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
