internal import Nacos

/// What a reader asks of the client of one namespace. Tests answer in place of a server.
protocol NamingClient: Sendable {
    /// Keeps a connection until the task is cancelled.
    func run() async
    /// Hands over each event until the task is cancelled.
    func eachEvent(_ body: @Sendable (NacosEvent) async -> Void) async
    /// The names of one group.
    func names(of group: String) async throws(NacosError) -> [String]
    /// The services of all groups.
    func allServices() async throws(NacosError) -> [ServiceKey]
    /// Subscribes on this connection and the next ones, and returns the present state.
    func subscribe(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate
    func unsubscribe(_ key: ServiceKey) async
    /// Asks once.
    func query(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate
    /// From now on events tell which services come and go, where the server can.
    func watchNames() async
}
