internal import JSON

// The server's requests on the stream. Each is stored first, then answered: the server repeats what was not answered.
extension NacosStateMachine {
    mutating func received(_ payload: Payload, now: Duration) -> [Action] {
        position += 1
        if case .dropping = phase { return [] }
        guard let body = try? JSONValue(parsing: payload.body) else {
            // Without its number, the request can't be answered.
            return []
        }
        if payload.type == "SetupAckRequest" { return setUpAcknowledged(body, now: now) }
        let id = body["requestId"]?.string ?? ""
        guard let actions = carryOut(payload.type, body, now: now) else { return [.send(NacosRequest(refusing: id))] }
        // The answer to a reset has to go out before the connection ends.
        let answer = Action.send(NacosRequest(answering: payload, id: id))
        return payload.type == "ConnectResetRequest" ? [answer] + actions : actions + [answer]
    }

    /// The stream ended. The server forgets the connection then, though it may leave it open.
    mutating func streamEnded(_ reason: String) -> [Action] {
        drop(reason)
    }

    /// - Returns: `nil` for a request that this client doesn't know.
    private mutating func carryOut(_ type: String, _ body: JSONValue, now: Duration) -> [Action]? {
        switch type {
        case "NotifySubscriberRequest": return pushed(body)
        case "ClientDetectionRequest": return []
        case "ConnectResetRequest": return reset(body)
        case "ConfigChangeNotifyRequest": return configNotified(body)
        case "NamingFuzzyWatchSyncRequest", "NamingFuzzyWatchChangeNotifyRequest":
            return servicesTold(body, now: now)
        case "ConfigFuzzyWatchSyncRequest", "ConfigFuzzyWatchChangeNotifyRequest":
            return configsTold(body, now: now)
        case "ClientConfigMetricRequest": return []
        default: return nil
        }
    }

    private mutating func pushed(_ body: JSONValue) -> [Action] {
        guard let record = ServiceRecord(body["serviceInfo"] ?? .null), subscriptions.pushed(record, at: position)
        else { return [] }
        let update = ServiceUpdate(info: record.info, position: position, generation: generation)
        return [.publish(.service(update))]
    }

    /// The server wishes the client elsewhere. It names a server by its main port, or none.
    private mutating func reset(_ body: JSONValue) -> [Action] {
        var next: String?
        if let host = body["serverIp"]?.string, !host.isEmpty {
            next = body["serverPort"]?.string.map { "\(host):\($0)" } ?? host
        }
        return drop("the server asked the client to connect again", next: next)
    }

    private mutating func configNotified(_ body: JSONValue) -> [Action] {
        guard let key = Self.configKey(of: body), listeners.digests[key] != nil else { return [] }
        return [.publish(.configChanged(key))]
    }
}

// MARK: - Fuzzy watches

extension NacosStateMachine {
    private mutating func servicesTold(_ body: JSONValue, now: Duration) -> [Action] {
        guard let news = serviceWatch?.told(FuzzyNews(body).changes) else { return [] }
        if FuzzyNews(body).isEnd, serviceWatch?.finished(now: now) == true, let watch = serviceWatch {
            return [.publish(.services(watch.known, isComplete: watch.isComplete))]
        }
        // The names of the list come with its end.
        if serviceWatch?.isListing == true { return [] }
        return news.map { .publish($0.isThere ? .serviceAdded($0.key) : .serviceRemoved($0.key)) }
    }

    private mutating func configsTold(_ body: JSONValue, now: Duration) -> [Action] {
        guard let news = configWatch?.told(FuzzyNews(body).changes) else { return [] }
        if FuzzyNews(body).isEnd, configWatch?.finished(now: now) == true, let watch = configWatch {
            return [.publish(.configs(watch.known, isComplete: watch.isComplete))]
        }
        if configWatch?.isListing == true { return [] }
        return news.map { .publish($0.isThere ? .configAdded($0.key) : .configRemoved($0.key)) }
    }
}

/// What a message of a fuzzy watch tells. Messages about services and configurations differ in the names of members.
private struct FuzzyNews {
    var changes: [(key: String, isThere: Bool)]
    /// Whether the list is at its end.
    var isEnd: Bool

    init(_ body: JSONValue) {
        isEnd = body["syncType"]?.string == "FINISH_FUZZY_WATCH_INIT_NOTIFY"
        changes = (body["contexts"]?.array ?? [body]).compactMap { change in
            guard let key = change["serviceKey"]?.string ?? change["groupKey"]?.string,
                let kind = change["changedType"]?.string ?? change["changeType"]?.string
            else { return nil }
            return (key, !kind.hasPrefix("DELETE"))
        }
    }
}
