internal import JSON

// The set-up of a connection, and its health.
extension NacosStateMachine {
    mutating func serverChecked(_ body: JSONValue) -> [Action] {
        guard case .checking(let setUp) = phase else { return [] }
        let negotiates = body["supportAbilityNegotiation"]?.bool ?? false
        phase = negotiates ? .awaitingAck(setUp) : .registering(setUp, retryAt: setUp.deadline)
        let open = Action.open(.setUp(namespace: settings.namespace, labels: settings.labels))
        return [open]
    }

    /// The stream's first message is on its way.
    mutating func streamOpened(now: Duration) -> [Action] {
        guard case .registering(let setUp, _) = phase else { return [] }
        phase = .registering(setUp, retryAt: nil)
        return [call(.registrationCheck, .healthCheck, now)]
    }

    /// The server told its abilities.
    mutating func setUpAcknowledged(_ body: JSONValue, now: Duration) -> [Action] {
        switch phase {
        case .awaitingAck(let setUp), .registering(let setUp, _):
            return becomeReady(
                setUp, supportsFuzzyWatch: body["abilityTable"]?["fuzzyWatch"]?.bool ?? false, now: now)
        default:
            return []
        }
    }

    mutating func registered(now: Duration) -> [Action] {
        guard case .registering(let setUp, _) = phase else { return [] }
        return becomeReady(setUp, supportsFuzzyWatch: false, now: now)
    }

    /// The server handles the stream's first message apart from calls. Until then it answers that it does not know the
    /// connection.
    mutating func notRegistered(_ error: NacosError, now: Duration) -> [Action] {
        guard case .registering(let setUp, _) = phase else { return [] }
        guard error.code == .unregistered else { return drop(error.message) }
        phase = .registering(setUp, retryAt: now + .milliseconds(100))
        return []
    }

    mutating func healthy(now: Duration) -> [Action] {
        unansweredHealthChecks = 0
        nextHealthCheck = now + settings.healthCheckInterval
        return []
    }

    mutating func unhealthy(_ error: NacosError, now: Duration) -> [Action] {
        switch error.code {
        case .unregistered: return drop(error.message)
        case .timedOut, .disconnected, .malformedReply: unansweredHealthChecks += 1
        // A server that refuses is there. One with too much to do must not get more.
        default: return healthy(now: now)
        }
        if unansweredHealthChecks >= 3 {
            return drop("the server did not answer three health checks: \(error.message)")
        }
        return [call(.healthCheck, .healthCheck, now)]
    }
}

// MARK: - Time

extension NacosStateMachine {
    /// When the owner has to call `timerFired` next; `nil` for never.
    var deadline: Duration? {
        var deadlines = [calls.deadline]
        switch phase {
        case .disconnected, .dropping: break
        case .checking(let setUp), .awaitingAck(let setUp): deadlines.append(setUp.deadline)
        case .registering(let setUp, let retryAt): deadlines += [setUp.deadline, retryAt]
        case .ready:
            deadlines += [
                nextHealthCheck, subscriptions.deadline, serviceWatch?.deadline, configWatch?.deadline,
                listeners.deadline,
            ]
        }
        return deadlines.compactMap { $0 }.min()
    }

    mutating func timerFired(now: Duration) -> [Action] {
        var actions: [Action] = []
        while let call = calls.expire(now: now) {
            actions.append(.abandon(call.id))
            actions += failed(call.purpose, NacosError(.timedOut), now: now)
        }
        switch phase {
        case .disconnected, .dropping: break
        case .checking(let setUp):
            if now >= setUp.deadline { actions += drop("the server did not answer the server check") }
        case .awaitingAck(let setUp):
            if now >= setUp.deadline { actions += drop("the server did not acknowledge the set-up of the connection") }
        case .registering(let setUp, let retryAt):
            if now >= setUp.deadline {
                actions += drop("the server did not register the connection")
            } else if let retryAt, now >= retryAt {
                phase = .registering(setUp, retryAt: nil)
                actions.append(call(.registrationCheck, .healthCheck, now))
            }
        case .ready:
            if let next = nextHealthCheck, now >= next {
                nextHealthCheck = nil
                actions.append(call(.healthCheck, .healthCheck, now))
            }
            actions += followFurther(now)
        }
        return actions
    }
}
