internal import IsthmusTesting
internal import JSON
internal import Kubernetes

extension SoakScene {
    /// Without faults and changes everything has to be as it is registered before long.
    func calm() async throws {
        let began = ContinuousClock.now
        var last: [String] = []
        try await eventually("everything is as it is registered") {
            try check()
            let differences = try await differences()
            if !differences.isEmpty { last = differences }
            return differences
        } until: {
            $0.isEmpty
        }
        try check()
        let time = began.duration(to: .now)
        record.log("all is as registered after \(time.inSeconds) s")
        record.update { [last] state in
            state.calms += 1
            if time > state.slowestCalm.time { state.slowestCalm = (time, last) }
            state.invariants.emptiedByHand = []
            state.invariants.touchedByHand = []
        }
    }

    /// - Throws: What was seen that must never be.
    func check() throws {
        let wrongs = record.wrongs
        // Waiting longer mends nothing.
        if !wrongs.isEmpty { throw CancellationError() }
    }

    private func differences() async throws -> [String] {
        let differences = differences(try await cluster.objects())
        guard differences.isEmpty else { return differences }
        var complaints: [String] = []
        var leaders = 0
        for replica in replicas {
            let status = try await replica.status()
            complaints += status.complaints.map { "replica \(replica.name): \($0)" }
            if status.isLeading { leaders += 1 }
        }
        return leaders == 1 ? complaints : complaints + ["\(leaders) replicas lead"]
    }

    private func differences(_ objects: [APIObject]) -> [String] {
        let (registry, foreign) = record.update { ($0.registry, $0.invariants.foreign) }
        var differences: [String] = []
        var delivered: [SoakLine: APIObject] = [:]
        var services: [String: String] = [:]
        var holders: [[String]: SoakLine] = [:]
        for object in objects {
            guard object.isOfSoak, let line = SoakLine(object) else {
                if foreign[object.metadata.name] != object.bytes {
                    differences.append("\(object.metadata.name) differs")
                }
                continue
            }
            if let other = delivered.updateValue(object, forKey: line) {
                differences.append("\(line) has two objects: \(other.metadata.name), \(object.metadata.name)")
            }
            let virtual = object.json.virtualAddresses
            if virtual.count != 1 { differences.append("\(line) has the addresses \(virtual)") }
            if let other = holders.updateValue(line, forKey: virtual) {
                differences.append("\(line) and \(other) have one address, \(virtual)")
            }
            for address in virtual {
                if let other = services.updateValue(line.service, forKey: address), other != line.service {
                    differences.append("\(address) belongs to \(line.service) and \(other)")
                }
            }
            differences += self.differences(object, line, registry)
        }
        for line in registry.lines where delivered[line] == nil && !registry.serving(line).isEmpty {
            differences.append("\(line) is missing")
        }
        let present = Set(objects.map(\.metadata.name))
        return differences + foreign.keys.filter { !present.contains($0) }.map { "\($0) is missing" }
    }

    private func differences(_ object: APIObject, _ line: SoakLine, _ registry: SoakRegistry) -> [String] {
        let spec = object.json["spec"]
        var differences: [String] = []
        func compare(_ what: String, _ actual: JSONValue?, _ expected: JSONValue?) {
            guard actual != expected else { return }
            func text(_ value: JSONValue?) -> String {
                value.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "none"
            }
            differences.append("\(line): \(what) is \(text(actual)), not \(text(expected))")
        }
        let actual = Set(spec?["endpoints"]?.array ?? [])
        let expected = registry.inMesh(line)
        for endpoint in actual.symmetricDifference(expected) {
            let text = String(decoding: endpoint.bytes, as: UTF8.self)
            differences.append("\(line): \(actual.contains(endpoint) ? "should not have" : "lacks") \(text)")
        }
        if (spec?["endpoints"]?.array ?? []).count != actual.count {
            differences.append("\(line) has an endpoint twice")
        }
        compare(
            "hosts", spec?["hosts"],
            registry.services[line.service].map { [.string($0.objectName(line.protocol) + ".mesh")] })
        compare("ports", spec?["ports"], SoakProvider.ports[line.protocol])
        compare("resolution", spec?["resolution"], "STATIC")
        compare("location", spec?["location"], "MESH_INTERNAL")
        return differences
    }
}
