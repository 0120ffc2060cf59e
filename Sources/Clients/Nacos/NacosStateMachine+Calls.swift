internal import JSON

// Requests of the user, and the answers to all calls.
extension NacosStateMachine {
    /// Sends a request of the user.
    mutating func submit(_ request: NacosRequest, _ completion: Completion, now: Duration) -> [Action] {
        submit(request, .request(completion), completion, now: now)
    }

    /// Asks for all of a service, without following it.
    mutating func query(_ key: ServiceKey, _ completion: Completion, now: Duration) -> [Action] {
        submit(.query(key, namespace: settings.namespace), .query(key, completion), completion, now: now)
    }

    private mutating func submit(
        _ request: NacosRequest, _ purpose: Purpose, _ completion: Completion, now: Duration
    ) -> [Action] {
        if let error = refusal { return [.complete(completion, .failure(error))] }
        return [call(purpose, request, now)]
    }

    /// Why no request can be sent now.
    var refusal: NacosError? {
        guard connection != nil else { return NacosError(.disconnected) }
        guard calls.count < settings.maximumOutstanding else { return NacosError(.tooManyRequests) }
        return nil
    }

    /// An answer arrived.
    mutating func answered(_ id: UInt64, _ payload: Payload, now: Duration) -> [Action] {
        position += 1
        guard let purpose = calls.remove(id) else { return [] }
        if case .dropping = phase {
            return failed(purpose, NacosError(.disconnected), isConnected: false, now: now)
        }
        let body: JSONValue
        do throws(JSONError) {
            body = try JSONValue(parsing: payload.body)
        } catch {
            return failed(purpose, NacosError(.malformedReply, "the answer can't be read: \(error)"), now: now)
        }
        if let error = NacosError(answer: payload, body: body) { return failed(purpose, error, now: now, body) }
        return succeeded(purpose, body, now: now)
    }

    /// The transport could not carry out a call.
    mutating func callFailed(_ id: UInt64, _ error: NacosError, now: Duration) -> [Action] {
        guard let purpose = calls.remove(id) else { return [] }
        return failed(purpose, error, now: now)
    }

    private mutating func succeeded(_ purpose: Purpose, _ body: JSONValue, now: Duration) -> [Action] {
        switch purpose {
        case .serverCheck: return serverChecked(body)
        case .registrationCheck: return registered(now: now)
        case .healthCheck: return healthy(now: now)
        case .request(let completion): return [.complete(completion, .success(.body(body)))]
        case .query(let key, let completion):
            guard let record = ServiceRecord(body["serviceInfo"] ?? .null, of: key) else {
                return [.complete(completion, .failure(Self.withoutInstances(key)))]
            }
            let update = ServiceUpdate(
                info: record.info, position: subscriptions.position(of: record, received: position),
                generation: generation)
            return [.complete(completion, .success(.service(update)))]
        case .subscription(let key): return subscribed(key, body, now: now)
        case .unsubscription: return []
        case .serviceWatch: return serviceWatchAnswered(nil, now: now)
        case .configWatch: return configWatchAnswered(nil, now: now)
        case .listening(let keys): return listened(keys, body, now: now)
        }
    }

    /// - Parameters:
    ///   - isConnected: Whether the call failed on a connection that goes on.
    ///   - body: The answer that tells the failure; `nil` where there is none.
    mutating func failed(
        _ purpose: Purpose, _ error: NacosError, isConnected: Bool = true, now: Duration, _ body: JSONValue? = nil
    ) -> [Action] {
        var actions: [Action] = []
        switch purpose {
        case .serverCheck:
            if isConnected { return drop("\(error.message)") }
        case .registrationCheck:
            if isConnected { return notRegistered(error, now: now) }
        case .healthCheck:
            if isConnected { return unhealthy(error, now: now) }
        case .request(let completion): actions = [.complete(completion, .failure(error))]
        case .query(let key, let completion):
            actions = [.complete(completion, .failure(error.about("\(key)")))]
        case .subscription(let key): actions = subscriptionFailed(key, error, isConnected: isConnected, now: now)
        case .unsubscription: break
        case .serviceWatch: if isConnected { actions = serviceWatchAnswered(error, now: now) }
        case .configWatch: if isConnected { actions = configWatchAnswered(error, now: now) }
        case .listening(let keys): listeners.failed(keys, retryAt: now + Self.retryPause)
        }
        guard isConnected else { return actions }
        switch error.code {
        case .unregistered: return actions + drop(error.message)
        case .forbidden: return actions + (purpose.isOfUser ? [] : [.renewCredentials])
        default: return actions
        }
    }

    static func withoutInstances(_ key: ServiceKey) -> NacosError {
        NacosError(.malformedReply, "the answer has no list of instances", subject: "\(key)")
    }

    /// The pause before something that failed on a standing connection is tried again.
    static var retryPause: Duration { .seconds(3) }
}

extension NacosStateMachine.Purpose {
    /// Whether somebody waits for the answer, and renews the credentials if need be.
    var isOfUser: Bool {
        switch self {
        case .request, .query: true
        default: false
        }
    }
}
