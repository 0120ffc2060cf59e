package import Addressing
package import Deliveries
package import Settings

/// istiod itself, which takes the resources over MCP-over-xDS.
package struct XDSKind: DeliveryKind {
    package init() {}

    package let keys: [ConfigurationKey] = [
        ConfigurationKey(
            "xds",
            .mapping([
                ConfigurationKey(
                    "listen", .text, "`HOST:PORT`, to which istiod's `configSources` point",
                    standard: "`127.0.0.1:15010`"),
                ConfigurationKey(
                    "state", .text,
                    "a file with what istiod was given; a new pod must find it, so that istiod loses nothing while a"
                        + " registry is down", isRequired: true),
                ConfigurationKey(
                    "tls",
                    .mapping([
                        ConfigurationKey(
                            "certificateFile", .text, "the server's certificate, in PEM; read again when it changes",
                            isRequired: true),
                        ConfigurationKey(
                            "keyFile", .text, "its key, in PEM, without a passphrase", isRequired: true),
                    ]), "istiod uses TLS from 1.26 on, with `tlsSettings.mode: SIMPLE` only", standard: "plain text"),
                ConfigurationKey(
                    "insecure", .choice(["true", "false"]),
                    "whether plain text may be spoken beyond the loopback: anybody who reaches the port reads all services",
                    standard: "`false`"),
                ConfigurationKey(
                    "revisions", .texts, "the revisions of istiod that get something; the others get no answer",
                    standard: "all"),
                ConfigurationKey(
                    "initialSync", .time,
                    "how long a start without `state` waits for all registries, before istiod gets what is known:"
                        + " whatever is missing then, istiod deletes", standard: "forever"),
                ConfigurationKey(
                    "pause", .time, "how long nothing is sent after istiod took a set, so that it pushes",
                    standard: "`130ms`"),
            ]), "serves istiod as a config source (MCP-over-xDS)")
    ]

    package func deliveries(_ section: ConfigurationSection) throws -> [any DeliverySettings] {
        guard let xds = try section.mapping("xds") else { return [] }
        guard let state = try xds.string("state"), !state.isEmpty, !state.hasSuffix("/") else {
            throw xds.failure("state", "must be the path of a file")
        }
        var settings = XDSSettings(state: state)
        if let text = try xds.string("listen") {
            guard let place = HostPort(text) else {
                throw xds.failure("listen", "must be HOST:PORT such as 0.0.0.0:15010, and is '\(text)'")
            }
            settings.listen = place
        }
        if let tls = try xds.mapping("tls") {
            guard let certificate = try tls.string("certificateFile"), let key = try tls.string("keyFile") else {
                throw xds.failure("tls", "needs certificateFile and keyFile")
            }
            settings.certificate = CertificateFiles(certificateFile: certificate, keyFile: key)
        }
        if settings.certificate == nil, !settings.isLoopback, xds.word("insecure") != "true" {
            throw xds.failure(
                "listen",
                "\(settings.listen) is reached from elsewhere, and plain text shows every service to anybody:"
                    + " give 'tls', or 'insecure: true' behind a NetworkPolicy")
        }
        if let revisions = try xds.strings("revisions") {
            if revisions.isEmpty { throw xds.failure("revisions", "names none: no istiod would get anything") }
            settings.revisions = Set(revisions)
        }
        settings.initialSync = try xds.duration("initialSync")
        if let pause = try xds.duration("pause") {
            guard pause <= .seconds(5) else { throw xds.failure("pause", "must be 5s at most") }
            settings.pause = pause
        }
        return [settings]
    }
}

/// How istiod is served.
package struct XDSSettings: DeliverySettings {
    package var listen = HostPort(host: "127.0.0.1", port: 15010)
    /// A file with what istiod was given.
    package var state: String
    /// `nil` for plain text.
    package var certificate: CertificateFiles?
    /// `nil` for all.
    package var revisions: Set<String>?
    /// How long a start without state waits for the registries; `nil` for ever.
    package var initialSync: Duration?
    package var pause = Duration.milliseconds(130)

    package init(state: String) {
        self.state = state
    }

    package var name: String { "xds" }
    package var namespace: String? { nil }
    package var isConfigSource: Bool { true }

    /// The state holds whole objects.
    package func memory(instance: String) -> DeliveryMemory { .objects }

    package func delivery(_ context: DeliveryContext) throws -> any Delivery {
        let certificates = try certificate.map { try ServerCertificates($0) }
        return XDSDelivery(self, certificates: certificates, ownership: context.ownership, logger: context.logger)
    }

    /// Whether only this host can reach it.
    var isLoopback: Bool {
        listen.host == "localhost" || listen.host == "::1" || listen.host.hasPrefix("127.")
    }
}
