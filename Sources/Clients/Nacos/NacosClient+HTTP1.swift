internal import Concurrency
internal import Logging

// Servers of 1.x: no connection stands, so the client looks every 5 s whether the server is there.
extension NacosClient {
    private static var lookInterval: Duration { .seconds(5) }

    /// - Returns: Why the server counts as gone.
    func serveHTTP(_ server: NacosServer, _ version: String, _ http: HTTPExchange) async -> String {
        machine.generation += 1
        let connection = NacosConnection(
            generation: machine.generation, server: server, kind: .http, version: version)
        http1 = connection
        readySince = now
        publish(.connected(connection))
        logger.debug("connected", metadata: ["server": "\(server)", "version": "\(version)"])
        defer { http1 = nil }
        return await withTaskGroup(of: String?.self) { group in
            group.addTask { await self.look(at: server, http) }
            group.addTask {
                await self.pollConfigs(server, http)
                return nil
            }
            let reason = await group.next() ?? nil
            group.cancelAll()
            return reason ?? "the client was stopped"
        }
    }

    private func look(at server: NacosServer, _ http: HTTPExchange) async -> String? {
        var failures = 0
        while !Task.isCancelled {
            await pause(failures == 0 ? Self.lookInterval : .seconds(1))
            if let closeReason { return closeReason }
            do {
                let version = try await http.version(of: server, within: configuration.requestTimeout)
                guard version?.hasPrefix("1.") == true else { return "the server has another version now" }
                failures = 0
            } catch {
                failures += 1
                if failures >= 3 { return explain(error) }
            }
        }
        return nil
    }

    /// Listens to configurations by long polls. A configuration that changed is left out until the user listens to its
    /// new content, since the server would answer at once.
    private func pollConfigs(_ server: NacosServer, _ http: HTTPExchange) async {
        var reported: [ConfigKey: String] = [:]
        var backoff = Backoff(from: .seconds(1), to: .seconds(30))
        while !Task.isCancelled {
            let ticket = listeningChanged.ticket
            let digests = machine.listeners.digests.filter { reported[$0.key] != $0.value }
            reported = reported.filter { machine.listeners.digests[$0.key] == $0.value }
            guard !digests.isEmpty else {
                await listeningChanged.wait(after: ticket)
                continue
            }
            let context = context(server)
            let outcome = await withTaskGroup(of: Result<[ConfigKey], NacosError>?.self) { group in
                group.addTask {
                    do throws(NacosError) {
                        return .success(try await http.changedConfigs(digests, context))
                    } catch {
                        return .failure(error)
                    }
                }
                group.addTask {
                    await self.listeningChanged.wait(after: ticket)
                    return nil
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
            switch outcome {
            case .success(let keys):
                backoff.reset()
                for key in keys {
                    guard let digest = digests[key] else { continue }
                    reported[key] = digest
                    publish(.configChanged(key))
                }
            case .failure(let error):
                if error.code == .forbidden { renewals.signal() }
                await pause(backoff.next())
            case nil: break
            }
        }
    }
}
