internal import Concurrency
internal import JSON

// What exists.
extension NacosClient {
    /// The names of the services of one group. A name may have no instances: servers forget one some minutes later.
    ///
    /// - Parameter group: Exactly the group's name.
    package func serviceNames(group: String = ServiceKey.defaultGroup) async throws(NacosError) -> [String] {
        try await authorized { (client) async throws(NacosError) in
            if client.isHTTP {
                let (http, context) = try client.overHTTP()
                return try await http.serviceNames(group: group, context)
            }
            let request = NacosRequest.list(
                group: group, namespace: client.configuration.namespace, pageSize: HTTPExchange.pageSize)
            let body = try await client.body(of: request)
            guard let names = body["serviceNames"]?.array?.compactMap(\.string) else {
                throw NacosError(.malformedReply, "the answer has no list of services", subject: group)
            }
            try HTTPExchange.check(names.count, of: body["count"]?.integer)
            return names
        }
    }

    /// The services of all groups, by the server's HTTP API; gRPC has no such list. A service may have no instances.
    ///
    /// - Throws: `NacosError` with `unsupported` where the server's version has switched the API off.
    package func allServices() async throws(NacosError) -> [ServiceKey] {
        try await authorized { (client) async throws(NacosError) in
            let (http, context) = try client.overHTTP()
            return try await http.allServices(context)
        }
    }

    /// The ids of all namespaces, by the server's HTTP API. Servers of 3.x want an administrator for it.
    package func namespaces() async throws(NacosError) -> [String] {
        try await authorized { (client) async throws(NacosError) in
            let (http, context) = try client.overHTTP()
            return try await http.namespaces(context)
        }
    }

    /// Follows which services exist, on later connections too: events `services`, `serviceAdded`, `serviceRemoved`. A
    /// server that can't do it, before 3.0, answers with `services` that are not complete.
    ///
    /// - Parameters:
    ///   - group: Exactly a name, or one with `*` at its beginning, at its end, or both.
    ///   - name: As `group`.
    package func watchServices(group: String = "*", name: String = "*") {
        handle { $0.watchServices(group: group, name: name, now: $1) }
    }
}

// MARK: - Services

extension NacosClient {
    /// Asks for a service and follows it from now on, on later connections too: event `service`.
    ///
    /// A service that the server doesn't know has no instances. A later answer or push of the service has a greater
    /// position, unless it is older.
    /// - Throws: `NacosError`. A service that no server ever answered for is not followed then.
    package func subscribe(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate {
        try await authorized { (client) async throws(NacosError) in
            if client.isHTTP { throw Self.noPush }
            return try await client.service(from: client.ask { $0.subscribe(key, $1, now: $2) })
        }
    }

    /// Follows a service no more. Its events that wait are still delivered.
    package func unsubscribe(_ key: ServiceKey) {
        handle { $0.unsubscribe(key, now: $1) }
    }

    /// Asks for a service, without following it.
    package func query(_ key: ServiceKey) async throws(NacosError) -> ServiceUpdate {
        try await authorized { (client) async throws(NacosError) in
            guard client.isHTTP else {
                return try await client.service(from: client.ask { $0.query(key, $1, now: $2) })
            }
            let (http, context) = try client.overHTTP()
            return client.numbered(try await http.service(key, context))
        }
    }

    private func numbered(_ info: ServiceInfo) -> ServiceUpdate {
        machine.position += 1
        return ServiceUpdate(info: info, position: machine.position, generation: machine.generation)
    }

    private func service(from answer: NacosAnswer) throws(NacosError) -> ServiceUpdate {
        guard case .service(let update) = answer else { throw NacosError(.malformedReply) }
        return update
    }

    private static var noPush: NacosError {
        NacosError(.unsupported, "a server of 1.x has no subscriptions; query it")
    }
}

// MARK: - Configurations

extension NacosClient {
    /// - Returns: `nil` where there is no such configuration.
    package func config(_ key: ConfigKey) async throws(NacosError) -> ConfigContent? {
        try await authorized { (client) async throws(NacosError) in
            if client.isHTTP {
                let (http, context) = try client.overHTTP()
                return try await http.config(key, context)
            }
            let request = NacosRequest.config(key, namespace: client.machine.configNamespace)
            do throws(NacosError) {
                guard let content = ConfigContent(try await client.body(of: request)) else {
                    throw NacosError(.malformedReply, "the answer has no content", subject: "\(key)")
                }
                return content
            } catch  where error.code == .serverStarting {
                // The code 300 means "no such configuration" here.
                return nil
            }
        }
    }

    /// The configurations of one group, by the server's HTTP API; gRPC has no such list.
    ///
    /// - Throws: `NacosError`, with `unsupported` where the server's version has switched the API off, and `forbidden`
    ///   where it wants an administrator for it.
    package func configs(group: String = ServiceKey.defaultGroup) async throws(NacosError) -> Set<ConfigKey> {
        try await authorized { (client) async throws(NacosError) in
            let (http, context) = try client.overHTTP()
            return try await http.configs(group: group, context)
        }
    }

    /// Listens to a configuration from now on, on later connections too: event `configChanged` when its content is
    /// another one than the digest says. Listen again with the digest of what was read then.
    ///
    /// - Parameter md5: `ConfigContent.md5`, or `""` for a configuration that doesn't exist.
    package func listen(_ key: ConfigKey, md5: String) {
        handle { $0.listen(key, md5: md5, now: $1) }
        listeningChanged.signal()
    }

    package func stopListening(_ key: ConfigKey) {
        handle { $0.stopListening(key, now: $1) }
        listeningChanged.signal()
    }

    /// Follows which configurations exist, as `watchServices` does for services: events `configs`, `configAdded`,
    /// `configRemoved`. It does not tell when a content changes.
    package func watchConfigs(group: String = "*", dataID: String = "*") {
        handle { $0.watchConfigs(group: group, dataID: dataID, now: $1) }
    }
}

// MARK: - Asking

extension NacosClient {
    var isHTTP: Bool { http1 != nil }

    /// Attempts a request, and once more with another token where the server refuses the one in use.
    private func authorized<Value>(
        _ attempt: (isolated NacosClient) async throws(NacosError) -> Value
    ) async throws(NacosError) -> Value {
        let token = credentials.token
        do throws(NacosError) {
            return try await attempt(self)
        } catch  where error.code == .forbidden {
            guard await renewToken(after: token) else { throw error }
            return try await attempt(self)
        }
    }

    private func body(of request: NacosRequest) async throws(NacosError) -> JSONValue {
        guard case .body(let body) = try await ask({ $0.submit(request, $1, now: $2) }) else {
            throw NacosError(.malformedReply)
        }
        return body
    }

    private func ask(
        _ submit: (inout Machine, Completion, Duration) -> [Machine.Action]
    ) async throws(NacosError) -> NacosAnswer {
        try checkRunning()
        return try await withCheckedContinuation { completion in
            handle { submit(&$0, completion, $1) }
        }.get()
    }

    private func overHTTP() throws(NacosError) -> (http: HTTPExchange, context: HTTPContext) {
        try checkRunning()
        guard let http, let connection else { throw NacosError(.disconnected) }
        return (http, context(connection.server))
    }

    func context(_ server: NacosServer) -> HTTPContext {
        HTTPContext(
            server: server, namespace: configuration.namespace, headers: credentials.httpHeaders,
            limit: configuration.requestTimeout)
    }

    private func checkRunning() throws(NacosError) {
        switch lifecycle {
        case .notStarted: throw NacosError(.notRunning)
        case .stopped: throw NacosError(.closed)
        case .running: break
        }
    }
}
