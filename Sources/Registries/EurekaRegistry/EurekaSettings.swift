internal import Addressing
internal import Conventions
internal import Eureka
internal import HTTP
internal import Services
internal import Settings
internal import Sources

/// How a Eureka is reached, and what of it is followed.
struct EurekaSettings: RegistrySettings {
    static let defaultPort = 8761

    var client: EurekaClient.Configuration
    var applications = NameFilter()
    var naming = EurekaDecoder.Naming.application
    var policy: ConventionPolicy
    var interval = EurekaReader.Intervals().changes
    var absenceDelay = Duration.seconds(60)

    init(client: EurekaClient.Configuration, protocols: [ProtocolDefaults]) {
        self.client = client
        policy = ConventionPolicy(protocols: protocols, standardWeight: 1)
    }

    func source(_ context: SourceContext) -> any Source { EurekaSource(self, context) }
}

extension EurekaSettings {
    init(_ section: ConfigurationSection, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        guard let texts = try section.strings("servers"), !texts.isEmpty else {
            throw section.failure("servers", "at least one URL is needed")
        }
        var servers: [HTTPServer] = []
        for text in texts {
            if text.contains("@") {
                throw section.failure("servers", "name the user at 'username': a URL with a password is not taken")
            }
            guard let server = HTTPServer(url: text) else {
                throw section.failure(
                    "servers", "must be a URL such as http://eureka-1:8761/eureka, and is '\(text.prefix(100))'")
            }
            servers.append(server)
        }
        self.init(client: EurekaClient.Configuration(servers: servers), protocols: protocols)
        try readUser(section)
        if let tls = try section.mapping("tls") {
            client.tls = TLSOptions(try TLSFiles(tls))
            do throws(HTTPFailure) {
                try client.tls?.validate()
            } catch {
                throw section.failure("tls", "can't be used: \(error)")
            }
        }
        if let filter = try section.mapping("applications") { applications = try NameFilter(filter) }
        if let word = try section.string("names") { naming = .init(rawValue: word) ?? .application }
        if let rule = try section.mapping("protocol") { try policy.read(rule) }
        if let interval = try section.duration("interval") {
            guard interval >= .seconds(1), interval <= .seconds(120) else {
                throw section.failure("interval", "must be a time from 1s to 2m: servers forget changes after 3m")
            }
            self.interval = interval
        }
        if let delay = try section.duration("absenceDelay") { absenceDelay = delay }
    }

    private mutating func readUser(_ section: ConfigurationSection) throws(ConfigurationError) {
        let password = try SecretReference(section, "password")
        guard let user = try section.string("username") else {
            if password != .none { throw section.failure("passwordFile", "needs a username") }
            return
        }
        if user.isEmpty || user.contains(":") { throw section.failure("username", "must be a name without ':'") }
        if password == .none {
            throw section.failure("username", "has no password: give passwordFile or passwordEnv")
        }
        _ = try password.secret(section, "username")
        client.user = user
        client.password = { try password.line() ?? "" }
    }

    // MARK: URL

    /// Reads `eureka://HOST:PORT[,HOST:PORT…][/PATH]`.
    init(url: String, protocols: [ProtocolDefaults]) throws(ConfigurationError) {
        func failure(_ message: String) -> ConfigurationError {
            ConfigurationError(place: "--registry", message: message)
        }
        let rest = url.hasPrefix("eureka://") ? url.dropFirst("eureka://".count) : url[...]
        if rest.contains("@") || rest.contains("?") {
            throw failure(
                "a URL has neither a user nor parameters, since lists of processes show it: name the user in a "
                    + "configuration file, at eureka.username")
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.count > 1 && !parts[1].isEmpty ? "/\(parts[1])" : "/eureka"
        var servers: [HTTPServer] = []
        for text in parts[0].split(separator: ",") {
            guard let server = HTTPServer(url: "http://\(text)\(path)", defaultPort: Self.defaultPort) else {
                throw failure("'\(text.prefix(100))' is not HOST:PORT")
            }
            servers.append(server)
        }
        if servers.isEmpty { throw failure("at least one HOST:PORT is needed") }
        self.init(client: EurekaClient.Configuration(servers: servers), protocols: protocols)
    }
}

extension TLSOptions {
    fileprivate init(_ files: TLSFiles) {
        self.init(
            authorityFile: files.authorityFile,
            identity: files.identity.map { .init(certificateFile: $0.certificateFile, keyFile: $0.keyFile) },
            serverName: files.serverName, verifiesHostName: files.verifiesHostName)
    }
}
