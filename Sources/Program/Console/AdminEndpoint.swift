package import HTTPTypes
package import Logging
package import Status
internal import Text

/// The answers of the admin endpoint, without a socket. A request is its head: nothing here reads a body.
package struct AdminEndpoint: Sendable {
    private let token: @Sendable () async throws -> String?
    private let status: @Sendable () async -> BridgeStatus
    private let release: @Sendable (String, String?) async -> Released?
    private let logger: Logger

    /// - Parameters:
    ///   - token: The token that a release needs, read for each release, since it may rotate; `nil` without one.
    ///   - status: The state of the bridge now.
    ///   - release: Lets go what is held or left over of the registry of the first name, of a service only where the
    ///     second is there; `nil` when there is nothing.
    package init(
        token: @escaping @Sendable () async throws -> String?, status: @escaping @Sendable () async -> BridgeStatus,
        release: @escaping @Sendable (String, String?) async -> Released?, logger: Logger
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
            return await reading(request) { Answer(status: .ok, body: Liveness(live: true)) }
        case "/readyz":
            return await reading(request) { await readiness }
        case "/status":
            return await reading(request) { Answer(status: .ok, body: await status()) }
        case _ where path.hasPrefix("/release/"):
            guard let name = String(path.dropFirst("/release/".count)).percentDecoded(), !name.isEmpty else {
                return .refusal(.badRequest, "a registry's name is expected: /release/NAME")
            }
            guard request.method == .post else { return .wrongMethod(allowed: "POST") }
            guard let service = service(in: request) else {
                return .refusal(
                    .badRequest, "only the parameter 'service' is known, with a name: /release/NAME?service=SERVICE")
            }
            return await releasing(name, service, request)
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
            guard let reason = await status().unreadiness else {
                return Answer(status: .ok, body: Readiness(ready: true))
            }
            return Answer(status: .serviceUnavailable, body: Readiness(ready: false, reason: reason))
        }
    }

    // MARK: Releases

    /// The service that a release is about: `.some(nil)` for all, `nil` for another query. An empty name is none: a
    /// script whose variable is not set must not release everything.
    private func service(in request: HTTPRequest) -> String?? {
        let parts = (request.path ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count < 2 { return .some(nil) }
        guard parts[1].hasPrefix("service="), !parts[1].contains("&"),
            let name = String(parts[1].dropFirst("service=".count)).percentDecoded(), !name.isEmpty
        else { return nil }
        return name
    }

    private func releasing(_ registry: String, _ service: String?, _ request: HTTPRequest) async -> Answer {
        // A browser sends Origin with each request of a web page; the programs of an operator do not.
        guard request.headerFields[.origin] == nil else {
            return .refusal(.forbidden, "a request of a web page releases nothing")
        }
        let expected: String
        do {
            guard let token = try await token() else {
                return .refusal(
                    .forbidden, "nothing can be released without a token: set admin.tokenFile or admin.tokenEnv")
            }
            expected = token
        } catch {
            logger.error("release refused: its token can't be read", metadata: ["error": "\(error)"])
            return .refusal(
                .forbidden, "nothing can be released without a token, and it can't be read; the bridge's log says why")
        }
        guard let token = Self.bearer(request), isSame(token, expected) else {
            logger.notice("release refused: the token is missing or wrong", metadata: ["registry": "\(registry)"])
            return .unauthorized
        }
        let status = await status()
        guard var released = await release(registry, service) else {
            let names = status.releasable
            let others = names.isEmpty ? "of no registry" : "only of: \(names.joined(separator: ", "))"
            let subject = "a registry '\(registry)'" + (service.map { " and its service '\($0)'" } ?? "")
            return .refusal(
                .notFound, "nothing is held or left over of \(subject); something is held or left over \(others)")
        }
        logger.notice(
            "instances released by an operator",
            metadata: ["registry": "\(registry)", "instances": "\(released.instances)"])
        released.leaders = status.leaders
        return Answer(status: .ok, body: released)
    }

    /// The token of the request (RFC 6750). The scheme's case doesn't matter.
    private static func bearer(_ request: HTTPRequest) -> String? {
        let parts = (request.headerFields[.authorization] ?? "").split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

/// Compares in a time that depends on the length of the token alone, so that the time tells nothing of its bytes.
private func isSame(_ presented: String, _ expected: String) -> Bool {
    let presented = Array(presented.utf8)
    let expected = Array(expected.utf8)
    if expected.isEmpty { return false }
    var difference: UInt8 = presented.count == expected.count ? 0 : 1
    for index in presented.indices { difference |= presented[index] ^ expected[index % expected.count] }
    return difference == 0
}
