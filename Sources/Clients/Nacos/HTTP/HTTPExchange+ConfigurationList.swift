internal import JSON

// Which configurations there are. gRPC has no such list.
extension HTTPExchange {
    /// No server gives more in one page.
    private static let configPageSize = 500
    /// The largest number of pages that are asked for.
    private static let maximumConfigPages = 100

    /// The configurations of a group, by name.
    /// - Throws: `NacosError`, with `unsupported` where the server has neither API.
    func configs(group: String, _ context: HTTPContext) async throws(NacosError) -> Set<ConfigKey> {
        var keys: Set<ConfigKey> = []
        for page in 1...Self.maximumConfigPages {
            let body = try await configPage(page, group: group, context)
            guard let items = body["pageItems"]?.array else {
                throw NacosError(.malformedReply, "the answer has no list of configurations", subject: group)
            }
            // A group is searched for as a part of names.
            let names = items.compactMap { item -> ConfigKey? in
                guard let dataID = item["dataId"]?.string,
                    let found = (item["group"] ?? item["groupName"])?.string, found == group
                else { return nil }
                return ConfigKey(group: group, dataID: dataID)
            }
            keys.formUnion(names)
            guard items.count > 0, let total = body["totalCount"]?.integer,
                Int64(page * Self.configPageSize) < total
            else { return keys }
        }
        throw NacosError(.replyTooLarge, "the group has too many configurations to be listed", subject: group)
    }

    private func configPage(
        _ page: Int, group: String, _ context: HTTPContext
    ) async throws(NacosError) -> JSONValue {
        let paging = [("pageNo", "\(page)"), ("pageSize", "\(Self.configPageSize)"), ("search", "blur")]
        do throws(NacosError) {
            let query = paging + [("dataId", ""), ("groupName", group), ("namespaceId", context.namespace)]
            return try await read("/v3/admin/cs/config/list", query, context)["data"] ?? .null
        } catch  where error.code == .unsupported {
            let tenant = context.namespace == "public" ? "" : context.namespace
            return try await read(
                "/v1/cs/configs", paging + [("dataId", ""), ("group", group), ("tenant", tenant)], context)
        }
    }
}
