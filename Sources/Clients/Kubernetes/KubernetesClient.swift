internal import Concurrency
public import Logging

/// A client of one Kubernetes API server.
///
/// The client speaks HTTP/1.1 and JSON. It repeats a request by itself only after a 401 or a failed TLS handshake,
/// once, and only when there are newer credentials. The caller decides about every other failure: ``KubernetesError``
/// tells the kinds apart, and ``retrying(attempts:whenOutcomeUnknown:isolation:_:)`` repeats what may be repeated.
///
/// Watches and other requests use separate connections. A task that must not queue behind others, such as the renewal
/// of a lease, gets a client of its own: a client that sends no requests opens no connections.
///
/// Call ``shutdown()`` when done.
public final class KubernetesClient: Sendable {
    let transport: Transport

    /// Makes a client, and reads the certificate files that the configuration names. It sends nothing yet.
    ///
    /// - Parameters:
    ///   - configuration: the server, and the client's identity.
    ///   - userAgent: the program's `name/version`, which the server's operators see in its audit log.
    ///   - options: times and limits.
    ///   - logger: receives each distinct warning of the server once, and the problems with token and certificate
    ///     files.
    /// - Throws: `KubernetesError` with `configuration`.
    public convenience init(
        _ configuration: ClusterConfiguration, userAgent: String, options: Options = Options(), logger: Logger
    ) throws(KubernetesError) {
        try self.init(
            configuration, userAgent: userAgent, options: options, logger: logger, clock: ContinuousClock())
    }

    /// - Parameter clock: measures timeouts, backoff and the age of tokens.
    package init(
        _ configuration: ClusterConfiguration, userAgent: String, options: Options = Options(), logger: Logger,
        clock: some Clock<Duration>
    ) throws(KubernetesError) {
        transport = try Transport(
            configuration, userAgent: userAgent, options: options, logger: logger, stopwatch: Stopwatch(clock))
    }

    /// Closes all connections. Requests under way, and later ones, fail with `shutDown`. A second call does nothing.
    public func shutdown() async {
        await transport.shutdown()
    }
}
