internal import JSON

// Reads of the HTTP APIs. Servers of 1.x have no other; later ones have them for what gRPC lacks.
extension HTTPExchange {
    /// The largest page. No server limits it in these calls, and pages overlap or miss names while services change.
    static let pageSize = 1_000_000

    /// The version of a server, such as `2.5.1`. It needs no credentials.
    func version(of server: NacosServer, within limit: Duration) async throws(NacosError) -> String? {
        do throws(NacosError) {
            let answer = try await send(HTTPRequest(path: "/v3/admin/core/state"), to: server, within: limit)
            return try answer.json()["data"]?["version"]?.string
        } catch  where [.unsupported, .failed, .forbidden].contains(error.code) {
            let answer = try await send(HTTPRequest(path: "/v1/console/server/state"), to: server, within: limit)
            return try answer.json()["version"]?.string
        }
    }

    /// The services of all groups of a namespace, those without instances too.
    func allServices(_ context: HTTPContext) async throws(NacosError) -> [ServiceKey] {
        let page = [("pageNo", "1"), ("pageSize", "\(Self.pageSize)"), ("namespaceId", context.namespace)]
        let body: JSONValue
        do throws(NacosError) {
            body = try await read("/v3/admin/ns/service/list", page, context)["data"] ?? .null
        } catch  where error.code == .unsupported {
            body = try await read("/v1/ns/catalog/services", page, context)
        }
        guard let items = (body["pageItems"] ?? body["serviceList"])?.array else {
            throw NacosError(.malformedReply, "the answer has no list of services")
        }
        let keys = items.compactMap { item -> ServiceKey? in
            guard let name = item["name"]?.string else { return nil }
            return ServiceKey(groupedName: name, defaultGroup: item["groupName"]?.string ?? ServiceKey.defaultGroup)
        }
        try Self.check(keys.count, of: (body["totalCount"] ?? body["count"])?.integer)
        return keys
    }

    /// The names of the services of one group, those without instances too (1.x).
    func serviceNames(group: String, _ context: HTTPContext) async throws(NacosError) -> [String] {
        let body = try await read(
            "/v1/ns/service/list",
            [
                ("pageNo", "1"), ("pageSize", "\(Self.pageSize)"), ("namespaceId", context.namespace),
                ("groupName", group),
            ], context)
        guard let names = body["doms"]?.array?.compactMap(\.string) else {
            throw NacosError(.malformedReply, "the answer has no list of services")
        }
        try Self.check(names.count, of: body["count"]?.integer)
        return names.compactMap { ServiceKey(groupedName: $0, defaultGroup: group)?.name }
    }

    /// All of one service (1.x).
    func service(_ key: ServiceKey, _ context: HTTPContext) async throws(NacosError) -> ServiceInfo {
        let body = try await read(
            "/v1/ns/instance/list", [("serviceName", "\(key)"), ("namespaceId", context.namespace)], context)
        guard let record = ServiceRecord(body, of: key) else {
            throw NacosError(.malformedReply, "the answer has no list of instances", subject: "\(key)")
        }
        return record.info
    }

    /// The ids of all namespaces. 3.x asks for an administrator.
    func namespaces(_ context: HTTPContext) async throws(NacosError) -> [String] {
        let body: JSONValue
        do throws(NacosError) {
            body = try await read("/v3/admin/core/namespace/list", [], context)
        } catch  where error.code == .unsupported {
            body = try await read("/v1/console/namespaces", [], context)
        }
        guard let items = body["data"]?.array else {
            throw NacosError(.malformedReply, "the answer has no list of namespaces")
        }
        return items.compactMap { $0["namespace"]?.string }.map { $0.isEmpty ? "public" : $0 }
    }

    func read(
        _ path: String, _ query: [(String, String)], _ context: HTTPContext
    ) async throws(NacosError) -> JSONValue {
        let request = HTTPRequest(
            path: path, query: query.map { (name: $0.0, value: $0.1) }, headers: context.headers)
        return try await send(request, to: context.server, within: context.limit).json()
    }

    /// A list that is shorter than its own count is not the whole list.
    static func check(_ count: Int, of total: Int64?) throws(NacosError) {
        guard let total, count < total else { return }
        throw NacosError(.malformedReply, "the answer lists \(count) services of \(total)")
    }
}

/// Where a read goes, and with which credentials.
struct HTTPContext: Sendable {
    var server: NacosServer
    var namespace: String
    var headers: [(name: String, value: String)]
    var limit: Duration
}
