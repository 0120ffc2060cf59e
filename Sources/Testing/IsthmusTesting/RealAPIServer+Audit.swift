internal import Foundation

/// One request to the API server, from its audit log.
public struct AuditedRequest: Sendable, Hashable, CustomStringConvertible {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    public let verb: String
    /// Path and query.
    public let uri: String
    /// The user by whom it was made, such as `admin`.
    public let user: String
    /// The `User-Agent` of the client, by which a test knows its own; empty when it sent none.
    public let userAgent: String
    /// The plural of the resource, such as `serviceentries`; empty when the request was for none.
    public let resource: String
    /// The object's namespace; empty when the request was for none or for all.
    public let namespace: String
    /// The object's name; empty for lists, watches and some creates.
    public let name: String
    /// The HTTP status of the answer; `nil` for a watch, since that is logged as it is asked for.
    public let status: Int?
    /// When the server had received it, since 1970.
    public let received: Duration
    /// From then to the answer; `nil` for a watch.
    public let latency: Duration?

    /// Whether it asked for a change.
    public var isWrite: Bool { !["get", "list", "watch"].contains(verb) }

    public var description: String {
        "\(verb) \(uri) by \(user) (\(userAgent)): \(status.map(String.init) ?? "begun")"
    }
}

extension RealAPIServer {
    /// Every request since the server was first started: watches as they are asked for, everything else as it has been
    /// answered. Requests of the server to itself are left out. A client may have its answer a moment before its
    /// request stands here.
    ///
    /// - Throws: ``TestSupportError`` when the audit log can't be read.
    public func requests() throws -> [AuditedRequest] {
        try audit.requests()
    }
}

/// The API server's audit log: one JSON object a line.
struct AuditLog: Sendable {
    let path: String
    let policyPath: String

    init(in folder: TemporaryFolder) throws {
        path = folder.path(of: "audit.log")
        policyPath = try folder.write(
            """
            apiVersion: audit.k8s.io/v1
            kind: Policy
            rules:
            - {level: None, users: ["system:apiserver"]}
            - {level: Metadata, verbs: [watch], omitStages: [ResponseStarted, ResponseComplete]}
            - {level: Metadata, omitStages: [RequestReceived]}
            """, to: "audit-policy.yaml")
    }

    func requests() throws -> [AuditedRequest] {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw TestSupportError("cannot read the API server's audit log \(path)")
        }
        let decoder = JSONDecoder()
        // The last line may be half written; it is complete when its end of line is there.
        let complete = contents[..<(contents.lastIndex(of: UInt8(ascii: "\n")) ?? contents.startIndex)]
        return try complete.split(separator: UInt8(ascii: "\n")).map { line in
            try decoder.decode(Event.self, from: line).request
        }
    }

    /// `2006-01-02T15:04:05.000000Z`.
    private struct Timestamp: Decodable {
        /// Since 1970.
        let time: Duration

        init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            let parts = text.dropLast().split(separator: ".", maxSplits: 1)
            let seconds = try Date("\(parts.first ?? "")Z", strategy: .iso8601).timeIntervalSince1970
            let fraction = parts.count > 1 ? Double("0.\(parts[1])") ?? 0 : 0
            time = .seconds(seconds) + .seconds(fraction)
        }
    }

    private struct Event: Decodable {
        /// Without a name where nobody was authenticated.
        struct User: Decodable { let username: String? }
        struct Object: Decodable { let resource, namespace, name: String? }
        struct Response: Decodable { let code: Int? }

        let verb, requestURI: String
        let user: User
        let userAgent: String?
        let objectRef: Object?
        let responseStatus: Response?
        let requestReceivedTimestamp, stageTimestamp: Timestamp

        var request: AuditedRequest {
            AuditedRequest(
                verb: verb, uri: requestURI, user: user.username ?? "", userAgent: userAgent ?? "",
                resource: objectRef?.resource ?? "", namespace: objectRef?.namespace ?? "",
                name: objectRef?.name ?? "", status: responseStatus?.code,
                received: requestReceivedTimestamp.time,
                latency: verb == "watch" ? nil : stageTimestamp.time - requestReceivedTimestamp.time)
        }
    }
}
