internal import JSON

/// The credentials of requests at one moment.
struct CallCredentials: Sendable {
    var token: String?
    var signature: Signature?

    /// The headers of a gRPC request.
    ///
    /// - Parameter milliseconds: The time of day of a signature, since 1970.
    func headers(for request: NacosRequest, milliseconds: Int64 = Signature.timeOfDay) -> [String: String] {
        if let token { return ["accessToken": token] }
        guard let signature else { return [:] }
        let body = request.body
        switch body["module"]?.string {
        case "config":
            let first = body["configListenContexts"]?.array?.first
            return signature.config(
                namespace: (body["tenant"] ?? first?["tenant"])?.string ?? "", group: body["group"]?.string,
                milliseconds: milliseconds)
        case "naming":
            let name = body["serviceName"]?.string ?? ""
            let group = body["groupName"]?.string ?? ServiceKey.defaultGroup
            return signature.naming(
                name.isEmpty ? nil : ServiceKey(group: group, name: name), milliseconds: milliseconds)
        default: return [:]
        }
    }

    /// The headers of an HTTP request. Servers of every version read the token there, and no log of them has it.
    var httpHeaders: [(name: String, value: String)] {
        token.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
    }
}
