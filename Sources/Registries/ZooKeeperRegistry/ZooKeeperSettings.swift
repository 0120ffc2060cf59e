package import Declarations
internal import Dubbo
internal import Logging
internal import Settings
package import Sources
package import ZooKeeper

/// How an ensemble is reached, and where Dubbo's tree stands in it.
package struct ZooKeeperSettings: RegistrySettings {
    package var servers: ConnectionString
    /// Dubbo's root below the connection string's chroot.
    package var root: String
    package var sessionTimeout: Duration
    /// The longest reply that is taken, in bytes.
    package var replyLimit: Int
    package var credentials: [Credential] = []
    /// Layouts in place of Dubbo's tree.
    package var layouts: [DeclaredLayout] = []
    /// How long the removal of an instance of a layout waits for another znode with the same endpoint.
    package var rejoin = Duration.milliseconds(200)
    /// `nil` for a connection in the clear.
    package var tls: TLS?

    package init(
        servers: ConnectionString, root: String = "/dubbo", sessionTimeout: Duration = .seconds(30),
        replyLimit: Int = 64 << 20
    ) {
        self.servers = servers
        self.root = root
        self.sessionTimeout = sessionTimeout
        self.replyLimit = replyLimit
    }

    package func source(_ context: SourceContext) -> any Source {
        let client = client(logger: context.logger)
        if !layouts.isEmpty { return LayoutSource(client: client, layouts: layouts, rejoin: rejoin, context) }
        return ZooKeeperSource(
            name: context.name, client: client, chroot: servers.chroot, root: root,
            decoder: ProviderDecoder(keptParameters: context.keptAttributes, hosts: context.hosts),
            readsRulesLast: context.isLasting, logger: context.logger)
    }

    func client(logger: Logger) -> ZooKeeperClient {
        var configuration = ZooKeeperClient.Configuration()
        configuration.sessionTimeout = sessionTimeout
        configuration.replyLimit = replyLimit
        configuration.credentials = credentials
        configuration.tls = tls
        return ZooKeeperClient(servers, configuration: configuration, logger: logger)
    }
}

// MARK: - Reading

extension ZooKeeperSettings {
    /// Reads what stands below `zookeeper`. Files are read once, so that a wrong one is told of at the start.
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        guard let servers = try section.strings("servers"), !servers.isEmpty else {
            throw section.failure("servers", "at least one HOST:PORT is needed")
        }
        self.init(servers: try Self.connectionString(servers, section))
        if let timeout = try section.duration("sessionTimeout") { sessionTimeout = timeout }
        guard sessionTimeout >= .seconds(1) else { throw section.failure("sessionTimeout", "must be at least 1s") }
        if let limit = try section.bytes("replyLimit") { replyLimit = limit }
        if let files = try section.mapping("tls") { tls = try TLS(files, in: section) }
        if let digest = try section.mapping("digest") {
            let user = try digest.string("user") ?? ""
            if user.isEmpty || user.contains(":") { throw digest.failure("user", "must be a name without ':'") }
            credentials = [.digest(user: user, password: try Self.password(digest))]
        }
        try readLayouts(section)
        if let dubbo = try section.mapping("dubbo") {
            root = try dubbo.string("root") ?? root
            do throws(ZooKeeperError) {
                try ZnodePath.validate(root)
            } catch {
                throw dubbo.failure("root", "must be a path such as /dubbo: \(error.message)")
            }
        }
    }

    private mutating func readLayouts(_ section: ConfigurationSection) throws(ConfigurationError) {
        layouts = try DeclaredLayout.layouts(section, "layouts")
        if let window = try section.duration("rejoin") {
            guard window <= .seconds(10) else { throw section.failure("rejoin", "must be 10s at most") }
            rejoin = window
        }
        if layouts.isEmpty { return }
        if try section.mapping("dubbo") != nil {
            throw section.failure(
                "layouts", "stands beside 'dubbo': make a second registry with the same servers, one for each")
        }
        for beginning in layouts.beginnings where !beginning.hasPrefix("/") {
            throw section.failure(
                "layouts", "the paths of znodes begin with '/', and a root or a prefix is '\(beginning)'")
        }
    }

    init(url: String) throws(ConfigurationError) {
        do throws(ZooKeeperError) {
            let url = try RegistryURL(url)
            self.init(servers: url.servers, root: url.root)
        } catch {
            throw ConfigurationError(place: "--registry", message: error.message)
        }
    }

    private static func connectionString(
        _ servers: [String], _ section: ConfigurationSection
    ) throws(ConfigurationError) -> ConnectionString {
        do throws(ZooKeeperError) {
            return try ConnectionString(servers.joined(separator: ","))
        } catch {
            throw section.failure("servers", error.message)
        }
    }

    private static func password(_ section: ConfigurationSection) throws(ConfigurationError) -> String {
        let reference = try SecretReference(section, "password")
        if reference == .none { throw section.failure("user", "has no password: give passwordFile or passwordEnv") }
        guard let text = try reference.text() else {
            throw section.failure("passwordEnv", "there is no environment variable '\(reference.place)'")
        }
        // Editors end a file with a line break, which no password has.
        let password = text.drop { $0.isNewline }.prefix { !$0.isNewline }
        if password.isEmpty { throw section.failure("user", "has an empty password") }
        return String(password)
    }
}

extension TLS {
    fileprivate init(_ files: ConfigurationSection, in parent: ConfigurationSection) throws(ConfigurationError) {
        let files = try TLSFiles(files)
        self.init(certificateAuthority: files.authorityFile.map { .file($0) })
        identity = files.identity.map {
            Identity(certificateChain: .file($0.certificateFile), privateKey: .file($0.keyFile))
        }
        serverName = files.serverName
        verifiesHostName = files.verifiesHostName
        do throws(ZooKeeperError) {
            try validate()
        } catch {
            throw parent.failure("tls", "can't be used: \(error.message)")
        }
    }
}
