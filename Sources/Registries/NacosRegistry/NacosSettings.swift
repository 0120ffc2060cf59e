internal import Conventions
internal import Nacos
internal import Services
internal import Settings
internal import Sources

/// How a Nacos is reached, and what of it is followed.
struct NacosSettings: RegistrySettings {
    /// Without a namespace.
    var client: NacosClient.Configuration
    var namespaces: [String] = [NacosService.publicNamespace]
    var selection = ServiceSelection()
    var policy: ConventionPolicy
    var clusterMeaning = NacosDecoder.ClusterMeaning.none
    var absenceDelay = Duration.seconds(30)

    init(client: NacosClient.Configuration, protocols: [ProtocolDefaults]) {
        self.client = client
        policy = ConventionPolicy(protocols: protocols, standardWeight: 1)
    }

    func source(_ context: SourceContext) -> any Source { NacosSource(self, context) }
}

// MARK: - Reading

extension NacosSettings {
    init(_ section: ConfigurationSection, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        let servers = try Self.servers(section)
        self.init(client: NacosClient.Configuration(servers: servers), protocols: protocols)
        if let path = try section.string("contextPath") {
            guard path.isEmpty || path.hasPrefix("/"), !path.hasSuffix("/") else {
                throw section.failure("contextPath", "must be a path such as /nacos, or empty")
            }
            client.contextPath = path
        }
        client.credentials = try NacosClient.Credentials(section)
        if let files = try section.mapping("tls") {
            client.tls = NacosClient.TLS(try TLSFiles(files))
            try Self.check(client.tls, section)
        }
        if let names = try section.strings("namespaces") {
            guard !names.isEmpty else { throw section.failure("namespaces", "at least one namespace is needed") }
            namespaces = names.map { $0.isEmpty ? NacosService.publicNamespace : $0 }
            if Set(namespaces).count < namespaces.count {
                throw section.failure("namespaces", "one stands there twice")
            }
        }
        if let filter = try section.mapping("groups") { selection.groups = try NameFilter(filter) }
        if let filter = try section.mapping("services") { selection.services = try NameFilter(filter) }
        if let rule = try section.mapping("protocol") { try policy.read(rule) }
        if let word = try section.string("cluster") {
            clusterMeaning = NacosDecoder.ClusterMeaning(rawValue: word) ?? .none
        }
        if let delay = try section.duration("absenceDelay") { absenceDelay = delay }
    }

    init(url: String, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        let parts: NacosURL
        do throws(NacosURL.Problem) {
            parts = try NacosURL(url)
        } catch {
            throw ConfigurationError(place: "--registry", message: error.message)
        }
        var servers: [NacosServer] = []
        for text in parts.servers {
            guard let server = NacosServer(text) else {
                throw ConfigurationError(place: "--registry", message: "'\(text)' is not HOST:PORT")
            }
            servers.append(server)
        }
        self.init(client: NacosClient.Configuration(servers: servers), protocols: protocols)
        if let namespace = parts.namespace { namespaces = [namespace] }
        if let group = parts.group { selection.groups.included = [group] }
    }

    private static func servers(_ section: ConfigurationSection) throws(ConfigurationError) -> [NacosServer] {
        let port = try section.integer("grpcPort", in: 1...65_535)
        guard let texts = try section.strings("servers"), !texts.isEmpty else {
            throw section.failure("servers", "at least one HOST:PORT is needed")
        }
        var servers: [NacosServer] = []
        for text in texts {
            guard let server = NacosServer(text, grpcPort: port) else {
                let hint = text.contains("/") ? "; it has neither a scheme nor a path" : ""
                throw section.failure("servers", "must be HOST:PORT, and is '\(text.prefix(100))'\(hint)")
            }
            servers.append(server)
        }
        return servers
    }

    /// Files are read once, so that a wrong one is told of at the start.
    private static func check(
        _ tls: NacosClient.TLS?, _ section: ConfigurationSection
    ) throws(ConfigurationError) {
        do throws(NacosError) {
            try tls?.validate()
        } catch {
            throw section.failure("tls", "can't be used: \(error.message)")
        }
    }
}

extension NacosClient.TLS {
    fileprivate init(_ files: TLSFiles) {
        self.init()
        authorityFile = files.authorityFile
        identity = files.identity.map { ($0.certificateFile, $0.keyFile) }
        serverName = files.serverName
        verifiesHostName = files.verifiesHostName
    }
}

extension NacosClient.Credentials {
    fileprivate init(_ section: ConfigurationSection) throws(ConfigurationError) {
        let password = try SecretReference(section, "password")
        let accessKey = try SecretReference(section, "accessKey")
        let secretKey = try SecretReference(section, "secretKey")
        let user = try section.string("username")
        if user?.isEmpty == true { throw section.failure("username", "must be a name") }
        switch (user, password, accessKey, secretKey) {
        case (nil, .none, .none, .none):
            self = .none
        case (let user?, let password, .none, .none):
            if password == .none {
                throw section.failure("username", "has no password: give passwordFile or passwordEnv")
            }
            _ = try password.secret(section, "username")
            self = .password(user: user) { try password.line() ?? "" }
        case (nil, .none, let accessKey, let secretKey):
            if accessKey == .none { throw section.failure("secretKeyFile", "needs accessKeyFile or accessKeyEnv") }
            if secretKey == .none { throw section.failure("accessKeyFile", "needs secretKeyFile or secretKeyEnv") }
            let key = try accessKey.secret(section, "accessKeyFile")
            _ = try secretKey.secret(section, "secretKeyFile")
            self = .keys(accessKey: key) { try secretKey.line() ?? "" }
        case (nil, _, _, _):
            throw section.failure("passwordFile", "needs a username")
        case (_?, _, _, _):
            throw section.failure("username", "stands beside keys: give a user or keys, not both")
        }
    }
}
