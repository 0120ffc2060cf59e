internal import Addressing
package import HTTP
internal import JSON
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Text

/// Asks one Consul agent or server by its HTTP API.
///
/// It keeps connections and no state. A blocking query occupies a connection until it is answered.
package struct ConsulClient: Sendable {
    package struct Configuration: Sendable {
        /// The agents or servers of one cluster.
        package var servers: [HTTPServer]
        package var tls: TLSOptions?
        /// Reads the token; `nil` for none. It may block, and is called for each new connection.
        package var token: @Sendable () throws -> String?
        /// For an answer, besides the time that a query blocks.
        package var requestTimeout = Duration.seconds(10)
        /// A server that heard nothing of its leader for longer than this is not believed.
        package var maximumLeaderSilence = Duration.seconds(10)
        /// To one server at once. Servers reset a connection beyond `limits.http_max_conns_per_client`: 200.
        package var connections = 90
        package var replyLimit = 64 << 20

        package init(servers: [HTTPServer], token: @escaping @Sendable () throws -> String? = { nil }) {
            self.servers = servers
            self.token = token
        }
    }

    package let server: HTTPServer
    private let configuration: Configuration
    private let exchange: HTTPExchange
    private let headers: [HTTPRequest.Pair]
    private let url: String

    /// Reads the token and the files of TLS.
    ///
    /// - Throws: `ConsulError` with `configuration` where one of them can't be used.
    package static func connecting(
        to server: HTTPServer, _ configuration: Configuration,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(ConsulError) -> ConsulClient {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try ConsulClient(server, configuration, eventLoopGroup)
            }
        } catch let error as ConsulError {
            throw error
        } catch {
            throw ConsulError(.configuration, "\(error)")
        }
    }

    private init(
        _ server: HTTPServer, _ configuration: Configuration, _ group: any EventLoopGroup
    ) throws {
        self.server = server
        self.configuration = configuration
        var settings = HTTPExchange.Settings()
        settings.tls = server.isSecure ? configuration.tls ?? TLSOptions() : nil
        settings.connections = configuration.connections
        settings.replyLimit = configuration.replyLimit
        settings.takesGzip = true
        let name = settings.tls?.serverName
        if let name { settings.standIns = [name: server.address.host] }
        url = server.url(serverName: name)
        do throws(HTTPFailure) {
            exchange = try HTTPExchange(settings, group)
        } catch {
            throw ConsulError(error)
        }
        let token = try configuration.token()
        // Consul takes an empty token for none, and answers what anybody may see.
        if token == "" { throw ConsulError(.configuration, "the token is empty; its file may just be written anew") }
        headers = token.map { [(name: "X-Consul-Token", value: $0)] } ?? []
    }

    /// Whether the requests bear a token.
    package var hasToken: Bool { !headers.isEmpty }

    /// The names of all services that the token may see, with the tags of their instances.
    package func services(
        _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<[String: Set<String>]> {
        let answer = try await get("/v1/catalog/services", scope, mode)
        return try Self.read(answer) { json in
            json.object.map { object in
                object.members.reduce(into: [:]) { services, member in
                    services[member.key] = Set((member.value.array ?? []).compactMap(\.string))
                }
            }
        }
    }

    /// The instances of a service with their checks; none for a service that does not exist.
    package func instances(
        of service: String, _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> ConsulAnswer<ConsulInstances> {
        let answer = try await get("/v1/health/service/\(service.percentEncoded)", scope, mode)
        return try Self.read(answer, ConsulInstances.init)
    }

    /// Whether the server knows the token.
    package func knowsToken() async throws(ConsulError) -> Bool {
        do throws(ConsulError) {
            // The answer holds the token itself, and is dropped.
            _ = try await get("/v1/acl/token/self", ConsulScope(), .leader)
            return true
        } catch  where error.code == .forbidden {
            return false
        }
    }

    private func get(
        _ path: String, _ scope: ConsulScope, _ mode: ConsulMode
    ) async throws(ConsulError) -> HTTPAnswer {
        let request = HTTPRequest(path: path, query: scope.parameters + mode.parameters, headers: headers)
        let answer: HTTPAnswer
        do throws(HTTPFailure) {
            answer = try await exchange.send(request, to: url, within: mode.hold + configuration.requestTimeout)
        } catch {
            throw ConsulError(error)
        }
        guard answer.status == 200 else { throw ConsulError(refusal: answer) }
        try check(answer.headers)
        return answer
    }

    /// Refuses the answer of a server that has lost its leader. Answers of a client agent may lack the headers.
    private func check(_ headers: HTTPHeaders) throws(ConsulError) {
        // A streamed answer says that no leader is known, whether or not one is.
        if headers.isStreamed { return }
        let silence = headers.first(name: "X-Consul-LastContact").flatMap(Int64.init) ?? 0
        if headers.first(name: "X-Consul-KnownLeader") == "false" {
            throw ConsulError(.leaderless, "the server knows no leader, so its answer may be old")
        }
        if .milliseconds(silence) > configuration.maximumLeaderSilence {
            throw ConsulError(
                .leaderless, "the server has heard nothing of its leader for \(silence) ms, so its answer may be old")
        }
    }

    static func read<Value: Sendable>(
        _ answer: HTTPAnswer, _ decode: (JSONValue) -> Value?
    ) throws(ConsulError) -> ConsulAnswer<Value> {
        let json: JSONValue
        do throws(HTTPFailure) {
            json = try answer.json()
        } catch {
            throw ConsulError(error)
        }
        guard let value = decode(json) else {
            throw ConsulError(.malformedReply, "the answer is not what the API says")
        }
        return ConsulAnswer(
            value, index: answer.headers.first(name: "X-Consul-Index").flatMap(UInt64.init) ?? 0,
            isFiltered: answer.headers.first(name: "X-Consul-Results-Filtered-By-ACLs") == "true",
            isStreamed: answer.headers.isStreamed)
    }
}

extension HTTPHeaders {
    /// Whether the agent answers from a stream of events (1.10 and later).
    fileprivate var isStreamed: Bool { first(name: "X-Consul-Query-Backend") == "streaming" }
}

/// All instances of one service.
///
/// Two values are equal when they say the same: the order of an answer differs from one to the next.
package struct ConsulInstances: Hashable, Sendable {
    /// Sorted by node and id.
    package var instances: [ConsulInstance]
    /// The elements that can't be read.
    package var unreadable: Int

    package init(_ instances: [ConsulInstance] = [], unreadable: Int = 0) {
        self.instances = instances.sorted { ($0.node, $0.id) < ($1.node, $1.id) }
        self.unreadable = unreadable
    }

    package var isEmpty: Bool { instances.isEmpty && unreadable == 0 }

    /// - Returns: `nil` where the answer is no list. Go writes an empty list as `null` too.
    init?(_ json: JSONValue) {
        guard let elements = json == .null ? [] : json.array else { return nil }
        let instances = elements.compactMap { ConsulInstance($0) }
        self.init(instances, unreadable: elements.count - instances.count)
    }
}
