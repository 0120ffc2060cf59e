internal import Eureka
internal import HTTP

/// What a reader asks of the client of one server. Tests answer in place of one.
protocol RegistryClient: Sendable {
    /// The server's URL.
    var place: String { get }
    func all() async throws(EurekaError) -> EurekaDocument
    func changes() async throws(EurekaError) -> EurekaDocument
}

extension EurekaClient: RegistryClient {
    var place: String { server.description }
}
