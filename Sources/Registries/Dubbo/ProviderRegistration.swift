/// A provider as a registry without URLs keeps it: its address, and the parameters of its URL.
package struct ProviderRegistration: Hashable, Sendable {
    package var interface: String
    /// The group that the registry states beside the parameters; empty for none, `nil` where only the parameters tell.
    package var group: String?
    /// The version that the registry states beside the parameters; empty for none, `nil` where only the parameters
    /// tell.
    package var version: String?
    package var host: String
    package var port: Int
    /// `protocol` among them.
    package var parameters: [String: String]

    package init(
        interface: String, group: String?, version: String?, host: String, port: Int, parameters: [String: String]
    ) {
        self.interface = interface
        self.group = group
        self.version = version
        self.host = host
        self.port = port
        self.parameters = parameters
    }
}
