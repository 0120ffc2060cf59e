internal import JSON

/// A request or an answer of this client: its class in Nacos, and its body.
struct NacosRequest: Hashable, Sendable {
    var type: String
    var body: JSONValue

    /// - Parameter headers: The credentials, which are no part of the body.
    func payload(headers: [String: String] = [:]) -> Payload {
        Payload(type: type, headers: headers, body: body.bytes)
    }
}

// MARK: - The connection

extension NacosRequest {
    static let serverCheck = NacosRequest(type: "ServerCheckRequest", body: ["module": "internal"])
    static let healthCheck = NacosRequest(type: "HealthCheckRequest", body: ["module": "internal"])

    /// The first message of the stream. `abilityTable` asks for a `SetupAckRequest`, which tells the server's
    /// abilities.
    static func setUp(namespace: String, labels: [String: String]) -> NacosRequest {
        NacosRequest(
            type: "ConnectionSetupRequest",
            body: [
                "module": "internal", "clientVersion": "Isthmus-Swift:v1", "tenant": .string(namespace),
                "labels": JSONValue(strings: labels), "abilityTable": ["fuzzyWatch": true],
            ])
    }

    /// The answer to a request of the server.
    ///
    /// The classes differ in the name only.
    init(answering request: Payload, id: String) {
        let isRequest = request.type.hasSuffix("Request")
        self.init(
            type: isRequest ? request.type.dropLast("Request".count) + "Response" : "ErrorResponse",
            body: ["resultCode": 200, "errorCode": 0, "success": true, "requestId": .string(id)])
    }

    /// The answer to a request of the server that this client doesn't know.
    init(refusing id: String) {
        self.init(
            type: "ErrorResponse",
            body: [
                "resultCode": 500, "errorCode": 302, "success": false, "requestId": .string(id),
                "message": "RequestHandler Not Found",
            ])
    }
}

// MARK: - Naming

extension NacosRequest {
    static func subscribe(_ key: ServiceKey, namespace: String, isWanted: Bool = true) -> NacosRequest {
        var request = naming("SubscribeServiceRequest", namespace, key)
        request.set("subscribe", .bool(isWanted))
        request.set("clusters", "")
        return request
    }

    static func query(_ key: ServiceKey, namespace: String) -> NacosRequest {
        var request = naming("ServiceQueryRequest", namespace, key)
        request.set("cluster", "")
        request.set("healthyOnly", false)
        request.set("udpPort", 0)
        return request
    }

    /// One page of the names of one group. Servers have no limit of a page's size, and no stable order of pages.
    static func list(group: String, namespace: String, pageSize: Int) -> NacosRequest {
        var request = naming("ServiceListRequest", namespace, ServiceKey(group: group, name: ""))
        request.set("pageNo", 1)
        request.set("pageSize", .integer(Int64(pageSize)))
        request.set("selector", "")
        return request
    }

    private static func naming(_ type: String, _ namespace: String, _ key: ServiceKey) -> NacosRequest {
        NacosRequest(
            type: type,
            body: [
                "module": "naming", "namespace": .string(namespace), "serviceName": .string(key.name),
                "groupName": .string(key.group),
            ])
    }

    private mutating func set(_ key: String, _ value: JSONValue) {
        guard case .object(var object) = body else { return }
        object[key] = value
        body = .object(object)
    }
}

// MARK: - Configurations

extension NacosRequest {
    static func config(_ key: ConfigKey, namespace: String) -> NacosRequest {
        NacosRequest(
            type: "ConfigQueryRequest",
            body: [
                "module": "config", "tenant": .string(namespace), "dataId": .string(key.dataID),
                "group": .string(key.group),
            ])
    }

    /// - Parameter configurations: The keys with the digests of the contents that the client has; `""` for none.
    static func listen(_ configurations: [(key: ConfigKey, md5: String)], namespace: String, isWanted: Bool = true)
        -> NacosRequest
    {
        let contexts = configurations.map { configuration -> JSONValue in
            [
                "dataId": .string(configuration.key.dataID), "group": .string(configuration.key.group),
                "tenant": .string(namespace), "md5": .string(configuration.md5),
            ]
        }
        return NacosRequest(
            type: "ConfigBatchListenRequest",
            body: ["module": "config", "listen": .bool(isWanted), "configListenContexts": .array(contexts)])
    }
}
