import IsthmusTesting
import IstioAPI
import JSON
import Pipeline
import Sandbox
import Testing
import Translation

@testable import Bridge

/// The same idea through the wire: a real source, a real delivery, and the doubles of both servers, which fail at
/// random.
@Suite("the bridge between servers in memory that fail at random", .timeLimit(.minutes(3)))
struct WireModelTests {
    @Test(
        "endpoints change only as providers do, and the cluster equals the registry when the faults end",
        arguments: ModelSettings.seed.map { [$0] } ?? SeededGenerator.seeds(2))
    func converges(seed: UInt64) async throws {
        try await Street.run { street, registry in
            var model = WireModel(street: street, registry: registry, random: SeededGenerator(seed: seed))
            do {
                try await model.begin()
                for _ in 0..<(ModelSettings.steps.map { max($0 / 10, 1) } ?? 300) {
                    try await model.step()
                    if !model.problems.isEmpty { break }
                }
                if model.problems.isEmpty { try await model.heal() }
            } catch {
                model.problems.append("\(error)")
            }
            if model.problems.isEmpty { return }
            Issue.record(
                """
                seed \(seed): \(model.problems.joined(separator: "\n"))
                what happened before:
                \(model.history.joined(separator: "\n"))
                """)
        }
    }
}

private struct WireModel {
    /// Nobody touches the providers of this one, neither in the registry nor in the cluster.
    private static let steady = "a.Steady"
    private static let names = ["a.Cart", "a.Order", "a.Till", "b.Stock", "b.Shelf"]
    private static let foreign = ["b.shelf", "shop"]

    let street: Street
    let registry: ZooKeeperServer
    var random: SeededGenerator
    var hosts: [String: Set<Int>] = [:]
    var problems: [String] = []
    var history: [String] = []
    private var foreignObjects: [String: JSONObject?] = [:]

    init(street: Street, registry: ZooKeeperServer, random: SeededGenerator) {
        self.street = street
        self.registry = registry
        self.random = random
    }

    mutating func begin() async throws {
        for name in Self.foreign {
            let object: JSONValue = [
                "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
                "metadata": ["name": .string(name), "labels": ["team": "shop"]],
                "spec": [
                    "hosts": [.string("\(name).example")],
                    "ports": [["number": 80, "name": "http", "protocol": "HTTP"]],
                    "resolution": "STATIC",
                ],
            ]
            try await street.cluster.perform(
                ResourceStore.Request(.create, .serviceEntry, namespace: Street.namespace, body: object))
            foreignObjects[name] = await street.object(name)
        }
        for host in 1...30 { try await registry.register(Self.steady, host) }
        try await street.wait(for: Self.steady.lowercased(), addresses(1...30))
    }

    mutating func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<12: try await providerStep()
        case 12..<15: try await registryStep()
        case 15..<18: await serverStep()
        case 18: try await editByHand()
        default: try await street.settle()
        }
        for _ in 0..<Int.random(in: 0...40, using: &random) { await Task.yield() }
        await look()
    }

    private mutating func note(_ text: String) {
        history.append(text)
        if history.count > 20 { history.removeFirst() }
    }

    private mutating func providerStep() async throws {
        let name = Self.names[Int.random(in: 0..<Self.names.count, using: &random)]
        let host = Int.random(in: 31...60, using: &random)
        if hosts[name, default: []].contains(host) {
            note("\(name) loses \(host)")
            hosts[name]?.remove(host)
            try await registry.deregister(name, host)
        } else {
            note("\(name) gets \(host)")
            hosts[name, default: []].insert(host)
            try await registry.register(name, host)
        }
    }

    private mutating func registryStep() async throws {
        let fault = Int.random(in: 0..<6, using: &random)
        note("fault \(fault) of the registry")
        switch fault {
        case 0: await registry.dropConnections()
        case 1:
            await registry.refuseConnections()
            await registry.dropConnections()
        case 2: await registry.refuseConnections(false)
        case 3: for session in await registry.tree.sessionIDs { await registry.expireSession(session) }
        case 4: await registry.pause()
        default: await registry.resume()
        }
    }

    private mutating func serverStep() async {
        let faults: [APIServerFault] = [
            .respond(status: 409), .respond(status: 429, headers: [("Retry-After", "1")]), .respond(status: 500),
            .respond(status: 503), .dropConnection, .loseReply, .hang,
        ]
        let fault = Int.random(in: 0..<faults.count + 2, using: &random)
        note("fault \(fault) of the API server")
        switch fault {
        case faults.count: await street.cluster.closeWatches()
        case faults.count + 1: await street.cluster.expireHistory()
        default:
            await street.cluster.inject(
                faults[fault], times: .random(in: 1...4, using: &random),
                where: { request in
                    // A watch that hangs is noticed after a minute and a half.
                    if case .hang = faults[fault], request.verb == .watch { return false }
                    return request.resource == "serviceentries" && (fault != 0 || request.verb?.isWrite == true)
                })
        }
    }

    private mutating func editByHand() async throws {
        guard let name = Self.names.prefix(4).randomElement(using: &random)?.lowercased(),
            await street.object(name) != nil
        else { return }
        note("somebody edits \(name)")
        let isRemoval = Bool.random(using: &random)
        // It may go at the same moment.
        _ = try? await street.cluster.perform(
            ResourceStore.Request(
                isRemoval ? .delete : .patch, .serviceEntry, namespace: Street.namespace, name: name,
                body: isRemoval ? nil : ["spec": ["endpoints": []]]))
    }

    /// What must never have happened, whatever else did.
    private mutating func look() async {
        for (name, object) in foreignObjects where await street.object(name) != object {
            problems.append("\(name) is somebody else's and was changed")
        }
        let steady = await street.endpoints(Self.steady.lowercased())
        if steady != addresses(1...30) { problems.append("\(Self.steady) has \(steady ?? [])") }
    }

    mutating func heal() async throws {
        note("everything works again")
        await street.cluster.removeFaults()
        await registry.resume()
        await registry.refuseConnections(false)
        // Whatever was done before has been seen when this has.
        try await registry.register("z.Last", 1)
        try await street.wait(for: "z.last", ["10.0.0.1"])
        let expected = expected
        try await eventually("the cluster is what the registry says") {
            _ = await street.pipeline.release("zk")
            return await delivered()
        } until: {
            $0 == expected
        }
        await look()
    }

    private var expected: [String: [String]] {
        var expected = hosts.mapValues { addresses($0) }.filter { !$0.value.isEmpty }
        expected["b.Shelf"] = nil
        expected[Self.steady] = addresses(1...30)
        expected["z.Last"] = ["10.0.0.1"]
        return Dictionary(uniqueKeysWithValues: expected.map { ($0.key.lowercased(), $0.value) })
    }

    /// What has endpoints, and is ours.
    private func delivered() async -> [String: [String]] {
        let store = await street.cluster.store
        let names = store.keys(.serviceEntry).map(\.name).filter { !Self.foreign.contains($0) }
        let pairs = names.map { ($0, Street.endpoints($0, in: store) ?? []) }
        return Dictionary(uniqueKeysWithValues: pairs.filter { !$0.1.isEmpty })
    }

    private func addresses(_ hosts: some Sequence<Int>) -> [String] { hosts.sorted().map { "10.0.0.\($0)" } }
}
