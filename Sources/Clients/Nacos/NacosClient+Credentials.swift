internal import Concurrency
internal import NIOCore
internal import NIOPosix

// Who the client is, and where the servers are.
extension NacosClient {
    static func login(
        _ configuration: Configuration, _ group: any EventLoopGroup, _ stopwatch: Stopwatch
    ) -> Login? {
        guard case .password(let user, let password) = configuration.credentials else { return nil }
        return Login(stopwatch: stopwatch) { (server) throws(NacosError) in
            let http = try HTTPExchange(configuration, group)
            return try await http.logIn(
                user: user, password: try secret(password), at: server, within: configuration.requestTimeout)
        }
    }

    /// Has credentials for the first request.
    func takeCredentials(_ server: NacosServer) async throws(NacosError) {
        switch configuration.credentials {
        case .none: break
        case .password: credentials.token = try await login?.current(server)
        case .keys(let accessKey, let secretKey):
            credentials.signature = Signature(accessKey: accessKey, secretKey: try secret(secretKey))
        }
    }

    /// Renews the token in time, and when a server refused one that nobody waits for.
    func renewCredentials() async {
        guard let login else { return }
        while !Task.isCancelled {
            let ticket = renewals.ticket
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.renewals.wait(after: ticket) }
                group.addTask { await self.pause(.seconds(1)) }
                await group.next()
                group.cancelAll()
            }
            guard let server = connection?.server, let token = credentials.token else { continue }
            if renewals.ticket != ticket { _ = await login.renew(after: token, server) }
            if let token = try? await login.current(server) { credentials.token = token }
        }
    }

    /// - Returns: Whether there is another token than the one that a server refused.
    func renewToken(after refused: String?) async -> Bool {
        guard let login, let refused, let server = connection?.server else { return false }
        guard await login.renew(after: refused, server), let token = try? await login.current(server) else {
            return false
        }
        credentials.token = token
        return true
    }
}

private func secret(_ read: @Sendable () throws -> String) throws(NacosError) -> String {
    do {
        return try read()
    } catch {
        throw NacosError(.configuration, "the secret can't be read: \(error)", cause: error)
    }
}

// MARK: - The address server

extension NacosClient {
    private static var addressInterval: Duration { .seconds(30) }

    func followAddressServer() async {
        guard let url = configuration.addressServer else { return }
        while !Task.isCancelled {
            do {
                try await takeServers(from: url)
                await pause(Self.addressInterval)
            } catch {
                // The servers of the last answer stay.
                if schedule.servers.isEmpty { publish(.disconnected(reason: "no server is known: \(error)")) }
                await pause(.seconds(2))
            }
        }
    }

    private func takeServers(from url: String) async throws {
        let http = try await makeHTTP()
        let answer = try await http.get(url, within: configuration.requestTimeout)
        let servers = answer.text.split(whereSeparator: \.isNewline).compactMap { line in
            NacosServer(String(line.filter { !$0.isWhitespace }), grpcPort: configuration.grpcPort)
        }
        // A list without servers is no list.
        guard !servers.isEmpty else {
            throw NacosError(.malformedReply, "the address server lists no servers", subject: url)
        }
        var random = SystemRandomNumberGenerator()
        schedule.set(servers, using: &random)
        if let server = connection?.server, !servers.contains(server) {
            handle { machine, _ in machine.drop("the address server does not list the server any more") }
        }
    }
}
