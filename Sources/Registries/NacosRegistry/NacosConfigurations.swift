internal import Logging
internal import Nacos
package import Settings
package import Sources

/// Documents that operators publish in Nacos' configuration.
package struct NacosConfigurationKind: ConfigurationKind {
    package init() {}

    package var key: ConfigurationKey {
        ConfigurationKey(
            "nacos",
            .mapping(
                NacosKind.reaching + [
                    ConfigurationKey("namespace", .text, "the id of the namespace", standard: "`public`"),
                    ConfigurationKey("group", .text, "the group", isRequired: true),
                    ConfigurationKey(
                        "dataIds", .texts, "the data ids; `*` in one stands for any text", isRequired: true),
                ]),
            "documents in Nacos' configuration")
    }

    package func settings(
        _ section: ConfigurationSection
    ) throws(ConfigurationError) -> any ConfigurationSettings {
        var client = try NacosSettings(section, protocols: []).client
        if let namespace = try section.string("namespace"), !namespace.isEmpty { client.namespace = namespace }
        let group = try section.string("group") ?? ""
        // A group ends the annotation's first part, and is searched for as a whole.
        guard !group.isEmpty, !group.contains("*"), !group.contains("/") else {
            throw section.failure("group", "must be the name of a group, without '*' and '/'")
        }
        var filter = NameFilter()
        filter.included = try section.strings("dataIds") ?? []
        guard !filter.included.isEmpty, !filter.included.contains("") else {
            throw section.failure("dataIds", "at least one data id is needed, and none may be empty")
        }
        return NacosConfigurationSettings(client: client, group: group, dataIDs: filter)
    }
}

struct NacosConfigurationSettings: ConfigurationSettings {
    var client: NacosClient.Configuration
    var group: String
    var dataIDs: NameFilter

    func source(_ context: ConfigurationContext) -> any ConfigurationSource {
        let client = NacosClient(client, logger: context.logger)
        let reader = NacosConfigurationReader(client: client, group: group, dataIDs: dataIDs)
        return ConfigurationFollower(name: context.name, reader: reader, logger: context.logger)
    }
}

/// What a configuration reader asks of a client. Tests answer in place of a server.
protocol ConfigurationClient: Sendable {
    /// Keeps a connection until the task is cancelled.
    func run() async
    /// Hands over each event until the task is cancelled.
    func eachEvent(_ body: @Sendable (NacosEvent) async -> Void) async
    /// - Returns: `nil` where there is no such configuration.
    func config(_ key: ConfigKey) async throws(NacosError) -> ConfigContent?
    /// The configurations of one group.
    func configs(group: String) async throws(NacosError) -> Set<ConfigKey>
    /// From now on an event tells when a content is another one.
    func listen(_ key: ConfigKey, md5: String) async
    func stopListening(_ key: ConfigKey) async
    /// From now on events tell which configurations come and go, where the server can.
    func watchNames(group: String) async
}

extension NacosClient: ConfigurationClient {
    func watchNames(group: String) { watchConfigs(group: group) }
}
