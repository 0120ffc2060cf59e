internal import IsthmusTesting
internal import JSON
internal import Kubernetes

extension SoakScene {
    /// Lets one fault or two happen after the other; when it returns, all of them are over.
    ///
    /// - Parameter isSparingA: Whether the first replica goes on running, so that its memory tells something.
    func failAgainAndAgain(
        until end: ContinuousClock.Instant, sparingA isSparingA: Bool, _ generator: inout SeededGenerator
    ) async throws {
        while ContinuousClock.now < end, !record.isRoundOver {
            let faults = SoakFault.some(using: &generator).map { ($0, SeededGenerator(seed: generator.next())) }
            try await withThrowingDiscardingTaskGroup { group in
                for (fault, generator) in faults {
                    group.addTask {
                        var generator = generator
                        let victims =
                            isSparingA && fault.domain == .bridge && fault != .bridgePaused ? [replicas[1]] : replicas
                        try await happen(fault, victims, &generator)
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 100...1500, using: &generator)))
        }
    }

    private func happen(
        _ fault: SoakFault, _ replicas: [SoakReplica], _ generator: inout SeededGenerator
    ) async throws {
        let time = Duration.milliseconds(Int.random(in: 200...6000, using: &generator))
        guard let victim = replicas.randomElement(using: &generator) else { return }
        func log(_ whose: String = "") { record.log(fault: fault.name, "\(whose), \(time.inSeconds) s") }
        switch fault {
        case .network(let side, let failure):
            let all = Int.random(in: 0..<3, using: &generator) == 0 ? replicas : [victim]
            log(" for \(all.map(\.name).joined(separator: " and "))")
            for replica in all {
                let proxy = side == .registry ? replica.registryProxy : replica.clusterProxy
                try await begin(failure, proxy, &generator)
            }
            try await Task.sleep(for: time)
            for replica in all { try await end(failure, side, replica) }
        case .zooKeeperPaused:
            log()
            await zooKeeper.pause()
            try? await Task.sleep(for: time)
            zooKeeper.resume()
        case .zooKeeperKilled:
            log()
            await zooKeeper.kill()
            try await Task.sleep(for: time)
            try await zooKeeper.restart()
        case .apiServerPaused:
            log()
            await server.pause()
            try? await Task.sleep(for: time)
            server.resume()
        case .apiServerKilled:
            log()
            await server.kill()
            try await Task.sleep(for: time / 2)
            try await server.restart()
        case .etcdPaused:
            log()
            await server.etcd.pause()
            try? await Task.sleep(for: time)
            server.etcd.resume()
        case .etcdCompacted:
            log()
            // It fails when nothing happened since the last one.
            _ = try? await server.etcd.compact()
        case .bridgePaused:
            log(" (\(victim.name))")
            await victim.current.pause()
            try? await Task.sleep(for: time * 1.5)
            victim.current.resume()
        case .bridgeKilled:
            log(" (\(victim.name))")
            victim.current.kill()
            _ = await victim.current.waitForExit()
            try await Task.sleep(for: time / 2)
            try victim.restart()
        case .bridgeStopped:
            log(" (\(victim.name))")
            let status = await victim.current.stop(within: .seconds(20))
            if status != .code(0) { record.wrong("replica \(victim.name) ended with \(status)") }
            try victim.restart()
        case .editedByHand: try await edit(fault, &generator)
        case .deletedByHand: try await deleteByHand(fault, &generator)
        case .wantedNameTaken: try await takeWantedName(fault, for: time, &generator)
        case .refused:
            let mood =
                [SoakWebhook.Mood.forbidding, .invalidating, .failing].randomElement(using: &generator) ?? .failing
            log(": \(mood)")
            webhook.become(mood)
            try? await Task.sleep(for: time)
            webhook.become(.allowing)
        }
    }
}

// MARK: - The network

extension SoakScene {
    private func begin(
        _ failure: SoakFault.Failure, _ proxy: ChaosProxy, _ generator: inout SeededGenerator
    ) async throws {
        let direction = ChaosProxy.Direction.allCases[Int.random(in: 0...1, using: &generator)]
        switch failure {
        case .cut: await proxy.cut()
        case .reset: await proxy.reset()
        case .refuse:
            try await proxy.refuse()
            await proxy.cut()
        case .hole: await proxy.blackHole(losing: Bool.random(using: &generator))
        case .oneWay: await proxy.blackHole(going: [direction], losing: true)
        case .delay: await proxy.delay(.milliseconds(Int.random(in: 20...900, using: &generator)))
        case .throttle: await proxy.throttle(bytesPerSecond: Int.random(in: 500...20_000, using: &generator))
        case .corrupt:
            await proxy.corrupt(next: 64 * 1024, going: direction, oneIn: 1, seed: generator.next())
        }
    }

    private func end(_ failure: SoakFault.Failure, _ side: SoakFault.Side, _ replica: SoakReplica) async throws {
        let proxy = side == .registry ? replica.registryProxy : replica.clusterProxy
        try await proxy.heal()
        // ZooKeeper's protocol has no checksum: what was changed and could be read is believed until the next full
        // read.
        if failure == .corrupt, side == .registry { await proxy.cut() }
    }
}

// MARK: - People

extension SoakScene {
    private func someObject(_ generator: inout SeededGenerator) async -> (APIObject, SoakLine)? {
        let number = generator.next()
        let objects = try? await cluster.objects().filter(\.isOfSoak)
        guard let objects, !objects.isEmpty else { return nil }
        let object = objects[Int(number % UInt64(objects.count))]
        return SoakLine(object).map { (object, $0) }
    }

    private func edit(_ fault: SoakFault, _ generator: inout SeededGenerator) async throws {
        let kind = Int.random(in: 0..<6, using: &generator)
        let number = Int.random(in: 1...60, using: &generator)
        guard let (object, line) = await someObject(&generator) else { return }
        let name = object.metadata.name
        let endpoints = object.json["spec"]?["endpoints"]?.array ?? []
        let patch: JSONValue
        switch kind {
        case 0: patch = ["spec": ["hosts": ["stolen.example"]]]
        case 1: patch = ["spec": ["addresses": [.string("240.16.0.\(number)")]]]
        case 2: patch = ["spec": ["endpoints": []]]
        case 3: patch = ["spec": ["endpoints": .array(Array(endpoints.dropFirst()))]]
        case 4:
            let portName = SoakProvider.portNames[line.protocol] ?? ""
            let handmade: JSONValue = [
                "address": .string(SoakInvariants.handmadePrefix + "\(number)"),
                "ports": .object(JSONObject([(key: portName, value: JSONValue.integer(1))])),
            ]
            patch = ["spec": ["endpoints": .array(endpoints + [handmade])]]
        default:
            patch = ["spec": ["location": "MESH_EXTERNAL", "exportTo": ["*"]], "metadata": ["labels": ["team": "a"]]]
        }
        record.log(fault: fault.name, ": \(name): \(String(decoding: patch.bytes, as: UTF8.self).prefix(120))")
        record.update { state in
            state.invariants.touchedByHand.insert(line.service)
            state.invariants.emptiedByHand.insert(name)
        }
        if await !cluster.edit(name, patch) { record.log("the edit of \(name) failed") }
    }

    private func deleteByHand(_ fault: SoakFault, _ generator: inout SeededGenerator) async throws {
        guard let (object, line) = await someObject(&generator) else { return }
        record.log(fault: fault.name, ": \(object.metadata.name)")
        record.update { state in
            state.invariants.touchedByHand.insert(line.service)
            state.invariants.deletedByHand.insert(object.metadata.uid)
        }
        await cluster.delete(object)
    }

    /// Somebody else has an object of the name that a new service would get, and gives it up after a while.
    private func takeWantedName(
        _ fault: SoakFault, for time: Duration, _ generator: inout SeededGenerator
    ) async throws {
        let change = record.update { $0.registry.newcomer(using: &generator) }
        guard case .add(let provider)? = change.steps.first else { return }
        let name = provider.service.objectName(provider.protocol)
        record.log(fault: fault.name, ": \(name), \(time.inSeconds) s")
        try await cluster.create(name, labels: [:])
        try await perform(change)
        try await Task.sleep(for: time)
        record.update { _ = $0.invariants.maybeLeaving.insert(name) }
        try await cluster.delete(name)
    }
}
