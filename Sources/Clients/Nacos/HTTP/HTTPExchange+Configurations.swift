internal import NIOCore
internal import NIOHTTP1
internal import Text

// Configurations of 1.x.
extension HTTPExchange {
    /// How long the server holds a long poll in which nothing changes.
    static let pollTime = Duration.seconds(30)

    /// - Returns: `nil` where there is no such configuration.
    func config(_ key: ConfigKey, _ context: HTTPContext) async throws(NacosError) -> ConfigContent? {
        var query = [(name: "dataId", value: key.dataID), (name: "group", value: key.group)]
        if context.namespace != "public" { query.append((name: "tenant", value: context.namespace)) }
        let request = HTTPRequest(path: "/v1/cs/configs", query: query, headers: context.headers)
        do throws(NacosError) {
            let answer = try await send(request, to: context.server, within: context.limit)
            return ConfigContent(
                content: answer.text, md5: MD5.hex(of: answer.body.readableBytesView),
                type: answer.headers.first(name: "Config-Type"))
        } catch  where error.code == .unsupported {
            // 404 is the answer for a configuration that doesn't exist. A server without this API has not been seen.
            return nil
        }
    }

    /// Waits until one of the configurations is another one than its digest says.
    ///
    /// - Returns: Those that are; none after about 30 s without a change.
    func changedConfigs(
        _ digests: [ConfigKey: String], _ context: HTTPContext
    ) async throws(NacosError) -> [ConfigKey] {
        let listening = digests.map { key, md5 in
            let tenant = context.namespace == "public" ? "" : "\u{2}\(context.namespace)"
            return "\(key.dataID)\u{2}\(key.group)\u{2}\(md5)\(tenant)\u{1}"
        }.joined()
        let request = HTTPRequest(
            method: .POST, path: "/v1/cs/configs/listener",
            headers: context.headers + [("Long-Pulling-Timeout", "\(Self.pollTime.components.seconds * 1_000)")],
            form: [("Listening-Configs", listening)])
        let answer = try await send(request, to: context.server, within: Self.pollTime + context.limit)
        return Self.changedKeys(in: answer.text)
    }

    /// Reads `dataId^2group[^2tenant]^1` of each changed configuration, percent-encoded.
    static func changedKeys(in text: String) -> [ConfigKey] {
        guard let decoded = text.percentDecoded(plusIsSpace: true) else { return [] }
        return decoded.split(separator: "\u{1}").compactMap { entry in
            let parts = entry.split(separator: "\u{2}", omittingEmptySubsequences: false)
            guard parts.count >= 2, !parts[1].isEmpty else { return nil }
            let dataID = parts[0].drop { $0.isNewline || $0 == " " }
            return dataID.isEmpty ? nil : ConfigKey(group: String(parts[1]), dataID: String(dataID))
        }
    }
}
