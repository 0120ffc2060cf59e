internal import Concurrency
internal import Logging
internal import NIOPosix
internal import NIOSSL

/// The connections and the credentials of requests: connection pools with the newest certificates, and the newest
/// token.
///
/// When a certificate changes, new requests use new connections. Requests under way finish on the old ones.
actor Access {
    /// The age at which the certificate files are read again.
    static let maximumAge = Duration.seconds(60)

    /// The connections and the credentials of one attempt.
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
    /// The certificates of the configuration and its files.
    private var configured: TLSMaterial
    /// The certificate from the plug-in's last run, and the number of that run.
    private var supplied: (certificate: TLSMaterial.Client?, run: Int) = (nil, 0)
    private var readAt: Duration
    /// The certificates that the pools use, and how often they have changed.
    private var shown: TLSMaterial
    private var changes = 0
    private var tls: TLSConfiguration?
    private var pools: ConnectionPools
    /// Replaced pools that may still have requests under way.
    private var replaced: [WeakPool] = []
    private var isShutDown = false

    /// Reads the certificate files.
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
            if case .file(let path) = configuration.token?.source {
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
        readAt = stopwatch.elapsed
        pools = ConnectionPools(unary: factory.unary(tls), watches: factory.watches(tls))
    }

    /// The connections and the credentials for the next attempt.
    ///
    /// - Throws: `KubernetesError` with `configuration` or `credentialsUnavailable` when no token is available,
    ///   `cancelled` when the task is cancelled.
    func current() async throws(KubernetesError) -> Pass {
        if stopwatch.elapsed - readAt >= Self.maximumAge { await readFiles() }
        let credential = try await plugin?.current()
        if let credential { try take(credential) }
        let bearer: String? =
            switch configuration.token?.source {
            case .fixed(let secret): secret.value
            case .file: try await tokenFile?.current()
            case nil: credential?.credential.token?.value
            }
        return Pass(pools: pools, bearer: bearer, certificates: changes, credential: credential)
    }

    /// Looks for newer credentials after the server refused the client or the client refused the server.
    ///
    /// - Returns: whether there are newer ones, so that another attempt makes sense.
    func renew(after pass: Pass, _ error: KubernetesError) async -> Bool {
        if error.code == .unauthorized, let tokenFile, let bearer = pass.bearer, await tokenFile.refresh(after: bearer)
        {
            return true
        }
        // Of a handshake, only the plug-in's certificate can be at fault, and never its token.
        if let plugin, let credential = pass.credential,
            error.code == .unauthorized || credential.credential.certificate != nil,
            await plugin.renew(after: credential)
        {
            return true
        }
        if pass.certificates == changes { await readFiles() }
        return pass.certificates != changes
    }

    /// Lets new requests use new connections, since those of the pool may be dead.
    func retire(_ pool: ConnectionPool) {
        guard !isShutDown else { return }
        if pools.unary === pool {
            replace(&pools.unary, by: factory.unary(tls))
        } else if pools.watches === pool {
            replace(&pools.watches, by: factory.watches(tls))
        }
    }

    /// Closes all connections. Requests under way fail.
    func shutdown() async {
        isShutDown = true
        for pool in [pools.unary, pools.watches] + replaced.compactMap(\.pool) {
            do {
                try await pool.shutdown()
            } catch {
                logger.warning("connection pool did not close cleanly", metadata: ["error": "\(error)"])
            }
        }
    }
}

// MARK: - Certificates

extension Access {
    private struct WeakPool {
        weak var pool: ConnectionPool?
    }

    /// Reads the certificate files again. Files that cannot be read or do not fit together, because they are half
    /// written, are read again the next time. The contents are compared, not the times: mounted secrets are swapped by
    /// links, and some file systems count whole seconds.
    private func readFiles() async {
        guard factory.server.isTLS, configuration.namesCertificateFiles else { return }
        // Requests during the reading use the present certificates.
        readAt = stopwatch.elapsed
        let configuration = configuration
        let outcome = try? await NIOThreadPool.singleton.runIfActive { () -> Result<TLSMaterial, KubernetesError> in
            do throws(KubernetesError) {
                return .success(try TLSMaterial(of: configuration))
            } catch {
                return .failure(error)
            }
        }
        do throws(KubernetesError) {
            // The outcome is `nil` when the task was cancelled.
            guard let material = try outcome?.get(), material != configured else { return }
            try show(material, supplied: supplied.certificate)
            configured = material
        } catch {
            logger.warning(
                "certificate files cannot be used: the last certificates stay in use",
                metadata: ["error": "\(error.message)"])
        }
    }

    private func take(_ entry: PluginCredentialCache.Entry) throws(KubernetesError) {
        // A request may have waited while another one took the result of a later run.
        guard entry.run > supplied.run else { return }
        let certificate = entry.credential.certificate
        do throws(KubernetesError) {
            try show(configured, supplied: certificate)
        } catch {
            throw KubernetesError(
                code: .credentialsUnavailable,
                message: "the certificate from the credential plug-in cannot be used: \(error.message)")
        }
        supplied = (certificate, entry.run)
    }

    private func show(_ material: TLSMaterial, supplied: TLSMaterial.Client?) throws(KubernetesError) {
        var material = material
        if let supplied { material.client = supplied }
        guard material != shown, !isShutDown else { return }
        tls = try factory.tls(material)
        shown = material
        changes += 1
        replace(&pools.unary, by: factory.unary(tls))
        replace(&pools.watches, by: factory.watches(tls))
        logger.info("certificates changed: new connections use the new ones")
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
