import Console
import HTTPTypes
import JSON
import Logging
import Status
import Synchronization

/// A bridge that holds something of some registries until it is told to let go.
final class FakeBridge: Sendable {
    struct NoToken: Error {}

    struct State {
        var token: Result<String?, NoToken> = .success("secret")
        var isReady = true
        var holds: [String: HoldStatus] = [:]
        var deliveries: [DeliveryStatus] = []
    }

    private let state = Mutex(State())

    static let hold = HoldStatus(
        kind: .emptyAnswer, reason: "the registry said that it is empty", held: 3, of: 3, age: .seconds(1),
        services: Excerpt(first: ["com.acme.Cart"], count: 1))

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
    }

    var status: BridgeStatus {
        state.withLock { state in
            BridgeStatus(
                instance: "main", version: "1", uptime: .seconds(1), isReady: state.isReady,
                registries: state.holds.sorted { $0.key < $1.key }.map { name, hold in
                    RegistryStatus(name: name, health: .healthy, hold: hold)
                },
                deliveries: state.deliveries)
        }
    }

    var endpoint: AdminEndpoint {
        AdminEndpoint(
            token: { try self.state.withLock { $0.token }.get() }, status: { self.status },
            release: { name, service in
                if let service, service != Self.service { return nil }
                return self.state.withLock { $0.holds.removeValue(forKey: name) }.map { Self.released(name, $0) }
            },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The only service of which something is held.
    static let service = "com.acme.Orders/2"

    static func released(_ name: String, _ hold: HoldStatus) -> Released {
        Released(registry: name, instances: hold.held, services: hold.services, hold: hold)
    }

    func answer(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, headers: HTTPFields = [:]
    ) async -> AdminEndpoint.Answer {
        var request = HTTPRequest(method: method, scheme: "http", authority: "here", path: path, headerFields: headers)
        if let token { request.headerFields[.authorization] = token }
        return await endpoint.answer(to: request)
    }
}

extension AdminEndpoint.Answer {
    /// The body as a reader sees it.
    var json: JSONValue { (try? JSONValue(parsing: body.encoded())) ?? .null }
}
