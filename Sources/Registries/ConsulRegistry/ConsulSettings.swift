internal import Addressing
internal import Consul
internal import Conventions
internal import HTTP
internal import Services
internal import Settings
internal import Sources

/// How a Consul is reached, and what of it is followed.
struct ConsulSettings: RegistrySettings {
    static let defaultPort = 8500

    var client: ConsulClient.Configuration
    var selection = ConsulReader.Selection()
    var rules = ConsulDecoder.Rules()
    var policy: ConventionPolicy
    var wait = ConsulReader.Intervals().wait

    init(client: ConsulClient.Configuration, protocols: [ProtocolDefaults]) {
        self.client = client
        policy = ConventionPolicy(protocols: protocols, standardWeight: 1)
    }

    func source(_ context: SourceContext) -> any Source { ConsulSource(self, context) }
}

extension ConsulSettings {
    init(_ section: ConfigurationSection, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        let tls = try section.mapping("tls")
        let servers = try Self.servers(section, isSecure: tls != nil)
        self.init(client: ConsulClient.Configuration(servers: servers), protocols: protocols)
        let token = try SecretReference(section, "token")
        if token != .none {
            _ = try token.secret(section, token.isVariable ? "tokenEnv" : "tokenFile")
            client.token = { try token.line() }
        }
        if let tls {
            client.tls = TLSOptions(try TLSFiles(tls))
            do throws(HTTPFailure) {
                try client.tls?.validate()
            } catch {
                throw section.failure("tls", "can't be used: \(error)")
            }
        }
        if let connections = try section.integer("connections", in: 4...100_000) { client.connections = connections }
        try readScopes(section)
        if let filter = try section.mapping("services") { selection.services = try NameFilter(filter) }
        if let rule = try section.mapping("protocol") { try policy.read(rule) }
        if let word = try section.string("warning") { rules.servesWarning = word == "serve" }
        rules.taggedAddress = try section.string("address")
        if let word = try section.string("datacenter") {
            rules.datacenterMeaning = .init(rawValue: word) ?? .none
        }
        if let wait = try section.duration("wait") {
            guard wait >= .seconds(1), wait <= .seconds(600) else {
                throw section.failure("wait", "must be a time from 1s to 10m")
            }
            self.wait = wait
        }
    }

    private static func servers(
        _ section: ConfigurationSection, isSecure: Bool
    ) throws(ConfigurationError) -> [HTTPServer] {
        guard let texts = try section.strings("servers"), !texts.isEmpty else {
            throw section.failure("servers", "at least one HOST:PORT is needed")
        }
        var servers: [HTTPServer] = []
        for text in texts {
            // It may be a password.
            if text.contains("@") {
                throw section.failure("servers", "must be HOST:PORT; a token goes into tokenFile or tokenEnv")
            }
            guard let address = HostPort(text) ?? HostPort("\(text):\(defaultPort)"), !text.contains("/") else {
                let hint = text.contains("/") ? "; it has neither a scheme nor a path, and tls makes it https" : ""
                throw section.failure("servers", "must be HOST:PORT, and is '\(text.prefix(100))'\(hint)")
            }
            servers.append(HTTPServer(address, isSecure: isSecure))
        }
        return servers
    }

    /// Every datacenter with every namespace of every partition.
    private mutating func readScopes(_ section: ConfigurationSection) throws(ConfigurationError) {
        let datacenters = try Self.names("datacenters", section)
        let namespaces = try Self.names("namespaces", section)
        let partitions = try Self.names("partitions", section)
        func options(_ names: [String]) -> [String?] { names.isEmpty ? [nil] : names }
        selection.scopes = options(datacenters).flatMap { datacenter in
            options(partitions).flatMap { partition in
                options(namespaces).map {
                    ConsulScope(datacenter: datacenter, namespace: $0, partition: partition)
                }
            }
        }
        rules.hasSeveralDatacenters = datacenters.count > 1
        rules.hasSeveralNamespaces = namespaces.count > 1
        rules.hasSeveralPartitions = partitions.count > 1
    }

    private static func names(
        _ key: String, _ section: ConfigurationSection
    ) throws(ConfigurationError) -> [String] {
        guard let names = try section.strings(key) else { return [] }
        guard !names.isEmpty, !names.contains("") else { throw section.failure(key, "at least one name is needed") }
        if Set(names).count < names.count { throw section.failure(key, "one stands there twice") }
        if names.contains("*") { throw section.failure(key, "must name each: '*' is none") }
        return names
    }

    // MARK: URL

    /// Reads `consul://HOST:PORT[,HOST:PORT…][/DATACENTER]`.
    init(url: String, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        func failure(_ message: String) -> ConfigurationError {
            ConfigurationError(place: "--registry", message: message)
        }
        let rest = url.hasPrefix("consul://") ? url.dropFirst("consul://".count) : url[...]
        if rest.contains("@") || rest.contains("?") {
            throw failure(
                "a URL has neither a token nor parameters, since lists of processes show it: name a token in a "
                    + "configuration file, at consul.tokenFile")
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var servers: [HTTPServer] = []
        for text in parts[0].split(separator: ",") {
            guard let address = HostPort(String(text)) ?? HostPort("\(text):\(Self.defaultPort)") else {
                throw failure("'\(text.prefix(100))' is not HOST:PORT")
            }
            servers.append(HTTPServer(address))
        }
        if servers.isEmpty { throw failure("at least one HOST:PORT is needed") }
        self.init(client: ConsulClient.Configuration(servers: servers), protocols: protocols)
        var datacenter = parts.count > 1 ? parts[1] : ""
        while datacenter.hasSuffix("/") { datacenter.removeLast() }
        if datacenter.contains("/") { throw failure("the path '/\(datacenter)' is no datacenter") }
        if !datacenter.isEmpty { selection.scopes = [ConsulScope(datacenter: String(datacenter))] }
    }
}

extension TLSOptions {
    init(_ files: TLSFiles) {
        self.init(
            authorityFile: files.authorityFile,
            identity: files.identity.map { .init(certificateFile: $0.certificateFile, keyFile: $0.keyFile) },
            serverName: files.serverName, verifiesHostName: files.verifiesHostName)
    }
}
