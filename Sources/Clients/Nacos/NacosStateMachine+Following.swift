internal import JSON

// What the user follows: subscriptions, fuzzy watches, configurations.
extension NacosStateMachine {
    /// Asks for a service and follows it from now on, on later connections too. The call joins a request under way.
    mutating func subscribe(_ key: ServiceKey, _ completion: Completion, now: Duration) -> [Action] {
        if let error = refusal { return [.complete(completion, .failure(error.about("\(key)")))] }
        guard subscriptions[key] != nil || subscriptions.count < settings.maximumSubscriptions else {
            let error = NacosError(.tooManyRequests, "too many subscriptions", subject: "\(key)")
            return [.complete(completion, .failure(error))]
        }
        guard subscriptions.add(key, completion) else { return [] }
        return [call(.subscription(key), .subscribe(key, namespace: settings.namespace), now)]
    }

    mutating func unsubscribe(_ key: ServiceKey, now: Duration) -> [Action] {
        guard let entry = subscriptions.remove(key) else { return [] }
        var actions = entry.waiters.map { waiter in
            Action.complete(waiter, .failure(NacosError(.cancelled, "unsubscribed meanwhile", subject: "\(key)")))
        }
        if connection != nil, entry.state != .waiting {
            let request = NacosRequest.subscribe(key, namespace: settings.namespace, isWanted: false)
            actions.append(call(.unsubscription, request, now))
        }
        return actions + followFurther(now)
    }

    /// Follows which services exist. A later call replaces the patterns.
    mutating func watchServices(group: String, name: String, now: Duration) -> [Action] {
        serviceWatch = FuzzyWatch(
            namespace: settings.namespace, group: group, name: name, limit: settings.maximumFuzzyKeys)
        guard connection != nil else { return [] }
        serviceWatch?.connected()
        return followFurther(now)
    }

    /// Follows which configurations exist. A later call replaces the patterns.
    mutating func watchConfigs(group: String, dataID: String, now: Duration) -> [Action] {
        configWatch = FuzzyWatch(
            namespace: settings.namespace, group: group, name: dataID, limit: settings.maximumFuzzyKeys)
        guard connection != nil else { return [] }
        configWatch?.connected()
        return followFurther(now)
    }

    mutating func listen(_ key: ConfigKey, md5: String, now: Duration) -> [Action] {
        listeners.listen(key, md5: md5)
        return followFurther(now)
    }

    mutating func stopListening(_ key: ConfigKey, now: Duration) -> [Action] {
        guard listeners.remove(key), connection != nil else { return [] }
        let request = NacosRequest.listen([(key, "")], namespace: configNamespace, isWanted: false)
        return [call(.unsubscription, request, now)]
    }

    /// Asks for everything again on a new connection.
    mutating func followAgain(_ now: Duration) -> [Action] {
        serviceWatch?.connected()
        configWatch?.connected()
        listeners.connected(now: now)
        return followFurther(now)
    }

    /// Sends what is due of all that is followed.
    mutating func followFurther(_ now: Duration) -> [Action] {
        guard let connection else { return [] }
        var actions: [Action] = []
        while let key = subscriptions.next(window: settings.redoWindow, now: now) {
            actions.append(call(.subscription(key), .subscribe(key, namespace: settings.namespace), now))
        }
        if subscriptions.finishResumption() {
            actions.append(.publish(.resubscribed(generation: connection.generation)))
        }
        while case let batch = listeners.next(now: now), !batch.isEmpty {
            actions.append(
                call(.listening(batch.map(\.key)), .listen(batch, namespace: configNamespace), now))
        }
        return actions + serviceWatchDue(now) + configWatchDue(now)
    }
}

// MARK: - Subscriptions

extension NacosStateMachine {
    mutating func subscribed(_ key: ServiceKey, _ body: JSONValue, now: Duration) -> [Action] {
        guard let record = ServiceRecord(body["serviceInfo"] ?? .null, of: key) else {
            return subscriptionFailed(key, Self.withoutInstances(key), isConnected: true, now: now)
        }
        let (position, waiters, isNew) = subscriptions.confirmed(key, record, received: position)
        let update = ServiceUpdate(info: record.info, position: position, generation: generation)
        var actions = waiters.map { Action.complete($0, .success(.service(update))) }
        if waiters.isEmpty, isNew { actions.append(.publish(.service(update))) }
        return actions + followFurther(now)
    }

    mutating func subscriptionFailed(
        _ key: ServiceKey, _ error: NacosError, isConnected: Bool, now: Duration
    ) -> [Action] {
        let waiters = subscriptions.failed(key, retryAt: now + Self.retryPause)
        let actions = waiters.map { Action.complete($0, .failure(error.about("\(key)"))) }
        return isConnected ? actions + followFurther(now) : actions
    }
}

// MARK: - Fuzzy watches

extension NacosStateMachine {
    private mutating func serviceWatchDue(_ now: Duration) -> [Action] {
        guard let watch = serviceWatch else { return [] }
        switch serviceWatch?.due(now: now) {
        case .ask(let question):
            return [call(.serviceWatch, .watch(watch.pattern, question, ofServicesIn: settings.namespace), now)]
        case .incomplete: return [.publish(.services(watch.known, isComplete: false))]
        case .nothing, nil: return []
        }
    }

    private mutating func configWatchDue(_ now: Duration) -> [Action] {
        guard let watch = configWatch else { return [] }
        switch configWatch?.due(now: now) {
        case .ask(let question): return [call(.configWatch, .watch(watch.pattern, question), now)]
        case .incomplete: return [.publish(.configs(watch.known, isComplete: false))]
        case .nothing, nil: return []
        }
    }

    mutating func serviceWatchAnswered(_ error: NacosError?, now: Duration) -> [Action] {
        guard serviceWatch?.answered(error, now: now) == true else { return [] }
        return [.publish(.services([], isComplete: false))]
    }

    mutating func configWatchAnswered(_ error: NacosError?, now: Duration) -> [Action] {
        guard configWatch?.answered(error, now: now) == true else { return [] }
        return [.publish(.configs([], isComplete: false))]
    }
}

// MARK: - Configurations

extension NacosStateMachine {
    mutating func listened(_ keys: [ConfigKey], _ body: JSONValue, now: Duration) -> [Action] {
        guard let changed = body["changedConfigs"]?.array else {
            listeners.failed(keys, retryAt: now + Self.retryPause)
            return []
        }
        return changed.compactMap { Self.configKey(of: $0) }
            .filter { listeners.digests[$0] != nil }
            .map { .publish(.configChanged($0)) }
    }

    static func configKey(of json: JSONValue) -> ConfigKey? {
        guard let dataID = json["dataId"]?.string, let group = json["group"]?.string else { return nil }
        return ConfigKey(group: group, dataID: dataID)
    }
}

extension NacosRequest {
    fileprivate static func watch(
        _ pattern: String, _ question: FuzzyWatch<ServiceKey>.Question, ofServicesIn namespace: String
    ) -> NacosRequest {
        NacosRequest(
            type: "NamingFuzzyWatchRequest",
            body: [
                "module": "naming", "namespace": .string(namespace), "groupKeyPattern": .string(pattern),
                "receivedGroupKeys": .array(question.known.map { .string($0) }), "watchType": "WATCH",
                "initializing": .bool(question.isInitial),
            ])
    }

    fileprivate static func watch(_ pattern: String, _ question: FuzzyWatch<ConfigKey>.Question) -> NacosRequest {
        NacosRequest(
            type: "ConfigFuzzyWatchRequest",
            body: [
                "module": "config", "groupKeyPattern": .string(pattern),
                "receivedGroupKeys": .array(question.known.map { .string($0) }), "watchType": "WATCH",
                "initializing": .bool(question.isInitial),
            ])
    }
}
