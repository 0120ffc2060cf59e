internal import Addressing
internal import Declarations
internal import Etcd
internal import Services
internal import Settings
internal import Sources

/// How an etcd is reached, and which layouts of it are followed.
struct EtcdSettings: RegistrySettings {
    var client: EtcdClient.Configuration
    var layouts: [DeclaredLayout]
    var rejoin = Duration.milliseconds(200)

    func source(_ context: SourceContext) -> any Source { EtcdSource(self, context) }
}

// MARK: - Reading

extension EtcdSettings {
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        guard let texts = try section.strings("servers"), !texts.isEmpty else {
            throw section.failure("servers", "at least one HOST:PORT is needed")
        }
        var servers: [HostPort] = []
        for text in texts {
            guard let server = HostPort(text) else {
                let hint = text.contains("/") ? "; it has neither a scheme nor a path" : ""
                throw section.failure("servers", "must be HOST:PORT, and is '\(text.prefix(100))'\(hint)")
            }
            servers.append(server)
        }
        client = EtcdClient.Configuration(servers: servers)
        layouts = try DeclaredLayout.layouts(section, "layouts")
        if layouts.isEmpty { throw section.failure("layouts", "at least one is needed, such as `- preset: kratos`") }
        if let window = try section.duration("rejoin") {
            guard window <= .seconds(10) else { throw section.failure("rejoin", "must be 10s at most") }
            rejoin = window
        }
        try readCredentials(section)
        if let files = try section.mapping("tls") {
            let tls = EtcdClient.TLS(try TLSFiles(files))
            do throws(EtcdError) {
                try tls.validate()
            } catch {
                throw section.failure("tls", "can't be used: \(error.message)")
            }
            client.tls = tls
        }
    }

    private mutating func readCredentials(_ section: ConfigurationSection) throws(ConfigurationError) {
        let password = try SecretReference(section, "password")
        guard let user = try section.string("username") else {
            if password != .none { throw section.failure("passwordFile", "needs a username") }
            return
        }
        if user.isEmpty { throw section.failure("username", "must be a name") }
        if password == .none {
            throw section.failure("username", "has no password: give passwordFile or passwordEnv")
        }
        guard let text = try password.line() else {
            throw section.failure("passwordEnv", "there is no environment variable '\(password.place)'")
        }
        if text.isEmpty { throw section.failure("username", "has an empty password") }
        client.user = user
        client.password = { try password.line() ?? "" }
    }

    /// Reads `etcd://HOST:PORT[,…]/PREFIX?layout=NAME`.
    init(url: String) throws(ConfigurationError) {
        let url = try EtcdURL(url)
        let known = Declaration.presets.map(\.name).joined(separator: ", ")
        guard let name = url.layout else { throw EtcdURL.failure("the parameter 'layout' is needed: one of \(known)") }
        guard let layout = DeclaredLayout(preset: name, prefixes: url.prefix.isEmpty ? [] : [url.prefix]) else {
            throw EtcdURL.failure("the layout '\(name.prefix(40))' is none of \(known)")
        }
        if layout.problem != nil {
            throw EtcdURL.failure(
                "the keys of '\(name)' begin with the service: name their beginning as the URL's path")
        }
        client = EtcdClient.Configuration(servers: url.servers)
        layouts = [layout]
    }
}

extension EtcdClient.TLS {
    fileprivate init(_ files: TLSFiles) {
        self.init()
        authorityFile = files.authorityFile
        certificateFile = files.identity?.certificateFile
        keyFile = files.identity?.keyFile
        serverName = files.serverName
        verifiesHostName = files.verifiesHostName
    }
}

extension SecretReference {
    /// Editors end a file with a line break, which no secret has.
    fileprivate func line() throws(ConfigurationError) -> String? {
        try text().map { String($0.drop { $0.isNewline }.prefix { !$0.isNewline }) }
    }
}
