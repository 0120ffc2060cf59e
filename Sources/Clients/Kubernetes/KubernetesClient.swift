public import Logging

/// A client of one Kubernetes API server.
///
/// It speaks HTTP/1.1 and JSON. It never repeats a request by itself, save once after a 401 or a failed TLS handshake when
/// there are newer credentials by then; what to do about a failure is the caller's decision, for which
/// ``KubernetesError`` has what it takes and ``retrying(attempts:whenOutcomeUnknown:isolation:_:)`` a usual answer.
/// Separate connections carry watches and everything else. A task that must not queue behind others, such as the renewal
/// of a lease, gets a client of its own: a client without requests costs nothing.
///
/// Call ``shutdown()`` when done.
public final class KubernetesClient: Sendable {
    let transport: Transport

    /// Makes a client, and reads the files with its certificates; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - userAgent: names the program to the server's operators: `name/version`.
    ///   - logger: gets the server's warnings, each once, and what is wrong with files of tokens and certificates.
    /// - Throws: `KubernetesError` with `configuration`.
    public convenience init(
        _ configuration: ClusterConfiguration, userAgent: String, options: Options = Options(), logger: Logger
    ) throws(KubernetesError) {
        try self.init(
            configuration, userAgent: userAgent, options: options, logger: logger, clock: ContinuousClock())
    }

    /// - Parameter clock: measures timeouts, back-offs and the age of tokens.
    package init(
        _ configuration: ClusterConfiguration, userAgent: String, options: Options = Options(), logger: Logger,
        clock: some Clock<Duration>
    ) throws(KubernetesError) {
        transport = try Transport(
            configuration, userAgent: userAgent, options: options, logger: logger, stopwatch: Stopwatch(clock))
    }

    /// Closes all connections; requests under way fail with `shutDown`. Further calls do nothing.
    public func shutdown() async {
        await transport.shutdown()
    }
}
