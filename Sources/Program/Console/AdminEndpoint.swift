internal import FoundationEssentials
package import HTTPTypes
package import JSON
package import Logging
package import Status

/// What the admin endpoint answers to the head of a request, without a socket.
package struct AdminEndpoint: Sendable {
    /// A status, headers and one JSON document.
    package struct Answer: Sendable {
        package var status: HTTPResponse.Status
        package var headers = HTTPFields()
        package var body: JSONValue
    }

    private let token: @Sendable () async throws -> String?
    private let status: @Sendable () async -> BridgeStatus
    private let release: @Sendable (String) async -> Released?
    private let logger: Logger

    /// - Parameters:
    ///   - token: What a release needs; asked for at each, so that it may rotate. `nil`: none is configured.
    ///   - status: What the bridge knows of itself now.
    ///   - release: Lets go of what is held of the registry of that name; `nil` when nothing is.
    package init(
        token: @escaping @Sendable () async throws -> String?, status: @escaping @Sendable () async -> BridgeStatus,
        release: @escaping @Sendable (String) async -> Released?, logger: Logger
    ) {
        self.token = token
        self.status = status
        self.release = release
        self.logger = logger
    }

    package func answer(to request: HTTPRequest) async -> Answer {
        let path = String((request.path ?? "/").prefix { $0 != "?" })
        switch path {
        case "/livez":
            return await reading(request) { Answer(status: .ok, body: ["live": true]) }
        case "/readyz":
            return await reading(request) { await readiness }
        case "/status":
            return await reading(request) { Answer(status: .ok, body: await status().json) }
        case _ where path.hasPrefix("/release/"):
            guard let name = URLComponents(string: path)?.path.dropFirst("/release/".count), !name.isEmpty else {
                return .refusal(.badRequest, "a registry's name is expected: /release/NAME")
            }
            guard request.method == .post else { return .wrongMethod(allowed: "POST") }
            return await releasing(String(name), request)
        default:
            return .refusal(.notFound, "there are only /livez, /readyz, /status and /release/NAME")
        }
    }

    private func reading(_ request: HTTPRequest, _ make: () async -> Answer) async -> Answer {
        guard request.method == .get || request.method == .head else { return .wrongMethod(allowed: "GET, HEAD") }
        return await make()
    }

    private var readiness: Answer {
        get async {
            guard let reason = await status().unreadiness else { return Answer(status: .ok, body: ["ready": true]) }
            return Answer(status: .serviceUnavailable, body: ["ready": false, "reason": .string(reason)])
        }
    }

    // MARK: Releases

    private func releasing(_ registry: String, _ request: HTTPRequest) async -> Answer {
        // No program that an operator uses sends it; a page that a browser was lured to always does.
        guard request.headerFields[.origin] == nil else {
            return .refusal(.forbidden, "nothing is released for a web page")
        }
        let expected: String
        do {
            guard let token = try await token() else {
                return .refusal(
                    .forbidden,
                    "nothing can be released without a token: set admin.tokenFile or admin.tokenEnv in the configuration"
                )
            }
            expected = token
        } catch {
            logger.error("a release was refused, since the token can't be read", metadata: ["error": "\(error)"])
            return .refusal(
                .forbidden, "nothing can be released without a token, and it can't be read; the bridge's log says why")
        }
        guard let token = Self.bearer(request), isSame(token, expected) else {
            logger.notice("a release was refused: no token, or a wrong one", metadata: ["registry": "\(registry)"])
            return .unauthorized
        }
        let status = await status()
        guard var released = await release(registry) else {
            let holds = status.holds
            let others = holds.isEmpty ? "of no registry" : "only of: \(holds.joined(separator: ", "))"
            return .refusal(.notFound, "nothing is held of a registry '\(registry)'; something is held \(others)")
        }
        logger.notice(
            "an operator let go of what was held",
            metadata: ["registry": "\(registry)", "instances": "\(released.hold.held)"])
        released.leaders = status.leaders
        return Answer(status: .ok, body: released.json)
    }

    /// RFC 6750; the scheme's case doesn't matter.
    private static func bearer(_ request: HTTPRequest) -> String? {
        let parts = (request.headerFields[.authorization] ?? "").split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

extension AdminEndpoint.Answer {
    static func refusal(_ status: HTTPResponse.Status, _ reason: String) -> Self {
        Self(status: status, body: ["error": .string(reason)])
    }

    fileprivate static func wrongMethod(allowed: String) -> Self {
        var answer = refusal(.methodNotAllowed, "this takes \(allowed)")
        answer.headers[.allow] = allowed
        return answer
    }

    fileprivate static var unauthorized: Self {
        var answer = refusal(.unauthorized, "the token is missing or wrong: Authorization: Bearer TOKEN")
        answer.headers[.wwwAuthenticate] = "Bearer realm=\"isthmus\""
        return answer
    }
}

/// Takes as long for a token whose first bytes are right as for any other of its length.
private func isSame(_ presented: String, _ expected: String) -> Bool {
    let presented = Array(presented.utf8)
    let expected = Array(expected.utf8)
    if expected.isEmpty { return false }
    var difference: UInt8 = presented.count == expected.count ? 0 : 1
    for index in presented.indices { difference |= presented[index] ^ expected[index % expected.count] }
    return difference == 0
}
