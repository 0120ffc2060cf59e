internal import Logging
internal import NIOPosix
internal import NIOSSL

/// What requests go out with: connections that trust and show the newest certificates, and the newest token.
///
/// When a certificate changes there are new connections for new requests; those under way end on their own.
actor Access {
    /// How long a reading of the certificates' files counts.
    static let maximumAge = Duration.seconds(60)

    /// What one attempt of a request goes out with.
    struct Pass: Sendable {
        let pools: ConnectionPools
        let bearer: String?
        fileprivate let certificates: Int
        fileprivate let credential: PluginCredentialCache.Entry?
    }

    private let configuration: ClusterConfiguration
    private let factory: ConnectionFactory
    private let stopwatch: Stopwatch
    private let logger: Logger
    private let tokenFile: BearerToken?
    private let plugin: PluginCredentials?
    /// What the configuration and its files say.
    private var configured: TLSMaterial
    /// What the plug-in last gave, and in which of its runs.
    private var handedOut: (certificate: TLSMaterial.Client?, run: Int) = (nil, 0)
    private var readAt: Duration
    /// What the pools were made with, and how often that has changed.
    private var shown: TLSMaterial
    private var changes = 0
    private var tls: TLSConfiguration?
    private var pools: ConnectionPools
    /// Pools that were replaced while requests were under way in them.
    private var replaced: [WeakPool] = []
    private var isShutDown = false

    /// Reads the certificates' files.
    ///
    /// - Throws: `KubernetesError` with `configuration`.
    init(
        _ configuration: ClusterConfiguration, factory: ConnectionFactory, options: KubernetesClient.Options,
        stopwatch: Stopwatch, logger: Logger
    ) throws(KubernetesError) {
        let material = try TLSMaterial(of: configuration)
        let tls = try factory.tls(material)
        if let plugin = configuration.credentialPlugin {
            guard configuration.token == nil, configuration.clientCertificate == nil else {
                throw KubernetesError(
                    code: .configuration,
                    message: "a credential plug-in cannot be combined with a token or a client certificate")
            }
            let command = try CredentialCommand(
                plugin, for: configuration, authority: material.authority, limit: options.credentialTimeout,
                stopwatch: stopwatch)
            self.plugin = PluginCredentials(stopwatch: stopwatch) { () async throws(KubernetesError) in
                try await command.run()
            }
        } else {
            plugin = nil
        }
        tokenFile =
            if case .file(let path) = configuration.token {
                BearerToken(path: path, stopwatch: stopwatch, logger: logger)
            } else {
                nil
            }
        self.configuration = configuration
        self.factory = factory
        self.stopwatch = stopwatch
        self.logger = logger
        self.tls = tls
        configured = material
        shown = material
        readAt = stopwatch.elapsed()
        pools = ConnectionPools(unary: factory.unary(tls), watches: factory.watches(tls))
    }

    /// - Throws: `KubernetesError` with `configuration` or `credentialsUnavailable` when there is no token to be had,
    ///   `cancelled` with the task.
    func current() async throws(KubernetesError) -> Pass {
        if stopwatch.elapsed() - readAt >= Self.maximumAge { await readFiles() }
        let credential = try await plugin?.current()
        if let credential { try take(credential) }
        let bearer: String? =
            switch configuration.token {
            case .fixed(let secret): secret.value
            case .file: try await tokenFile?.current()
            case nil: credential?.credential.token?.value
            }
        return Pass(pools: pools, bearer: bearer, certificates: changes, credential: credential)
    }

    /// Looks for newer credentials after the server refused the client, or the client the server.
    ///
    /// - Returns: whether there are some, so that another attempt makes sense.
    func renew(after pass: Pass, _ error: KubernetesError) async -> Bool {
        if error.code == .unauthorized, let tokenFile, let bearer = pass.bearer, await tokenFile.refresh(after: bearer)
        {
            return true
        }
        // Its token has no part in a handshake.
        if let plugin, let credential = pass.credential,
            error.code == .unauthorized || credential.credential.certificate != nil,
            await plugin.renew(after: credential)
        {
            return true
        }
        if pass.certificates == changes { await readFiles() }
        return pass.certificates != changes
    }

    /// Has new requests go out on new connections: those of the pool may lead nowhere.
    func retire(_ pool: ConnectionPool) {
        guard !isShutDown else { return }
        if pools.unary === pool {
            replace(&pools.unary, by: factory.unary(tls))
        } else if pools.watches === pool {
            replace(&pools.watches, by: factory.watches(tls))
        }
    }

    /// Closes all connections; requests under way fail.
    func shutdown() async {
        isShutDown = true
        for pool in [pools.unary, pools.watches] + replaced.compactMap(\.pool) {
            do {
                try await pool.shutdown()
            } catch {
                logger.warning("a connection did not close cleanly", metadata: ["error": "\(error)"])
            }
        }
    }
}

// MARK: - Certificates

extension Access {
    private struct WeakPool {
        weak var pool: ConnectionPool?
    }

    /// Reads the certificates' files again. What cannot be read, or does not fit together because it is only half
    /// written, is left for the next time. Contents are compared rather than times: mounted secrets are swapped by
    /// links, and some file systems count in whole seconds.
    private func readFiles() async {
        guard factory.server.isTLS, configuration.namesCertificateFiles else { return }
        // Requests that come meanwhile go on with what there is.
        readAt = stopwatch.elapsed()
        let configuration = configuration
        let outcome = try? await NIOThreadPool.singleton.runIfActive { () -> Result<TLSMaterial, KubernetesError> in
            do throws(KubernetesError) {
                return .success(try TLSMaterial(of: configuration))
            } catch {
                return .failure(error)
            }
        }
        do throws(KubernetesError) {
            // `nil` when the task was cancelled.
            guard let material = try outcome?.get(), material != configured else { return }
            try show(material, handedOut: handedOut.certificate)
            configured = material
        } catch {
            logger.warning("keeping the last good certificates", metadata: ["error": "\(error.message)"])
        }
    }

    private func take(_ entry: PluginCredentialCache.Entry) throws(KubernetesError) {
        // A request may have waited while another came back with the result of a later run.
        guard entry.run > handedOut.run else { return }
        let certificate = entry.credential.certificate
        do throws(KubernetesError) {
            try show(configured, handedOut: certificate)
        } catch {
            throw KubernetesError(
                code: .credentialsUnavailable,
                message: "what the credential plug-in handed out cannot be used: \(error.message)")
        }
        handedOut = (certificate, entry.run)
    }

    private func show(_ material: TLSMaterial, handedOut: TLSMaterial.Client?) throws(KubernetesError) {
        var material = material
        if let handedOut { material.client = handedOut }
        guard material != shown, !isShutDown else { return }
        tls = try factory.tls(material)
        shown = material
        changes += 1
        replace(&pools.unary, by: factory.unary(tls))
        replace(&pools.watches, by: factory.watches(tls))
        logger.info("new connections use the new certificates")
    }

    private func replace(_ pool: inout ConnectionPool, by new: ConnectionPool) {
        replaced.removeAll { $0.pool == nil }
        replaced.append(WeakPool(pool: pool))
        pool = new
    }
}

extension ClusterConfiguration {
    fileprivate var namesCertificateFiles: Bool {
        certificateAuthority?.isFile ?? false || clientCertificate?.chain.isFile ?? false
            || clientCertificate?.privateKey.isFile ?? false
    }
}
