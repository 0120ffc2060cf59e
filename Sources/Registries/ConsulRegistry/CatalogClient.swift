internal import Addressing
internal import Consul
internal import HTTP

/// What a reader asks of the client of one server. Tests answer in place of one.
protocol CatalogClient: Sendable {
    /// `HOST:PORT`, for people.
    var place: String { get }
    var hasToken: Bool { get }
    func services(
        _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<[String: Set<String>]>
    func instances(
        of service: String, _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<ConsulInstances>
    func knowsToken() async throws(ConsulError) -> Bool
}

extension ConsulClient: CatalogClient {
    var place: String { server.address.description }
}
