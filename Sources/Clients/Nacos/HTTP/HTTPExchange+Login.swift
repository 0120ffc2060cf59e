internal import JSON
internal import NIOHTTP1

/// What a login gave.
struct AccessToken: Sendable, Hashable {
    var text: String
    /// From the login on.
    var lifetime: Duration
}

extension HTTPExchange {
    /// Logs in by the API of 3.x, or by that of 1.x where the server has none.
    ///
    /// - Throws: `NacosError` with `forbidden` where the server refuses the user or the password. Servers answer so in
    ///   several ways: by 403, by 500, and 1.4 by an answer that is not HTTP.
    func logIn(
        user: String, password: String, at server: NacosServer, within limit: Duration
    ) async throws(NacosError) -> AccessToken {
        do throws(NacosError) {
            return try await logIn(user, password, "/v3/auth/user/login", server, limit)
        } catch  where error.code == .unsupported {
            return try await logIn(user, password, "/v1/auth/users/login", server, limit)
        }
    }

    private func logIn(
        _ user: String, _ password: String, _ path: String, _ server: NacosServer, _ limit: Duration
    ) async throws(NacosError) -> AccessToken {
        let request = HTTPRequest(method: .POST, path: path, form: [("username", user), ("password", password)])
        let answer: HTTPAnswer
        do throws(NacosError) {
            answer = try await send(request, to: server, within: limit)
        } catch  where [.forbidden, .failed].contains(error.code) || error.isNotHTTP {
            throw NacosError(
                .forbidden, "the server refuses the user '\(user.shortened)' or the password (\(error.message))",
                subject: error.subject, cause: error)
        }
        let body = try answer.json()
        guard let token = body["accessToken"]?.string else {
            throw NacosError(.malformedReply, "the answer to the login has no accessToken", subject: path)
        }
        let seconds = body["tokenTtl"]?.integer ?? 18_000
        return AccessToken(text: token, lifetime: .seconds(min(max(seconds, 1), 1 << 32)))
    }
}

extension NacosError {
    fileprivate var isNotHTTP: Bool { cause is HTTPParserError }
}
