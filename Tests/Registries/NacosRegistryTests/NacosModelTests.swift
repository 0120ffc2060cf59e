import IsthmusTesting
import Nacos
import Testing

@testable import NacosRegistry

/// A Nacos and its providers at random: they come, leave and die; the server restarts without what they registered, and they
/// come back; connections break, pushes are lost, lists and single reads fail.
@Suite("A Nacos at random", .timeLimit(.minutes(2)))
struct NacosModelTests {
    private struct Provider: Hashable {
        var service: String
        var host: String

        /// As `FollowedNacos` names it.
        var shown: String { "http://\(service) \(host)" }
    }

    /// The providers that live, and what the server knows of them.
    private struct Model {
        var alive: Set<Provider> = []
        var registered: Set<Provider> = []
        /// When providers register again; seconds.
        var returning: [Provider: Int] = [:]
        var now = 0
        var isConnected = true
        var started = 0

        var hosts: [String: [String]] {
            Dictionary(grouping: alive, by: \.service).reduce(into: [:]) { hosts, entry in
                hosts["http://\(entry.key)"] = entry.value.map(\.host).sorted()
            }
        }
    }

    @Test("nobody who lives is ever removed, and in the end exactly those who live are shown", arguments: 1...12)
    func model(seed: UInt64) async throws {
        try await FollowedNacos.run { scene in
            var random = SeededGenerator(seed: seed)
            var model = Model()
            scene.server.state.change { state in
                state.watchesNames = seed % 3 == 0
                state.isWatchComplete = seed % 2 == 0
                if seed % 4 == 1 { state.kind = .http }
            }
            // One that always stays: a registry without any instance is a case of its own.
            Self.start(Provider(service: "base", host: "10.0.0.1"), &model, scene, &random)
            scene.server.connect()
            await scene.waitFor(model.hosts)
            for _ in 0..<60 {
                Self.step(&model, scene, &random)
                try await Self.pass(Int.random(in: 0...4, using: &random), &model, scene, &random)
                try Self.check(model, scene, seed)
            }
            if !model.isConnected { scene.server.connect() }
            scene.server.state.change { state in
                state.listFailure = nil
                state.failures = [:]
            }
            // The longest wait is for the sweep, which finds what a push lost.
            for _ in 0..<400 where !(scene.shown.value.isFollowed && scene.shown.value.hosts == model.hosts) {
                try await Self.pass(1, &model, scene, &random)
            }
            #expect(scene.shown.value.hosts == model.hosts, "seed \(seed)")
            try Self.check(model, scene, seed)
        }
    }

    private static func check(_ model: Model, _ scene: FollowedNacos, _ seed: UInt64) throws {
        let removed = scene.shown.change { shown in
            defer { shown.forgetDepartures() }
            return shown.departures
        }
        let wrong = removed.intersection(model.alive.map(\.shown))
        try #require(wrong.isEmpty, "seed \(seed), second \(model.now)")
    }

    private static func start(
        _ provider: Provider, _ model: inout Model, _ scene: FollowedNacos, _ random: inout SeededGenerator
    ) {
        model.alive.insert(provider)
        model.registered.insert(provider)
        tell(provider.service, model, scene, &random)
    }

    /// The server learns who is registered, and may lose the push.
    private static func tell(
        _ service: String, _ model: Model, _ scene: FollowedNacos, _ random: inout SeededGenerator
    ) {
        let hosts = model.registered.filter { $0.service == service }.map(\.host).sorted()
        scene.server.set(service, hosts: hosts, silently: Int.random(in: 0..<10, using: &random) == 0)
    }

    private static func step(_ model: inout Model, _ scene: FollowedNacos, _ random: inout SeededGenerator) {
        let service = "s\(Int.random(in: 0..<4, using: &random))"
        // The first one always stays.
        let mortal = model.alive.filter { $0.service != "base" }.sorted { $0.shown < $1.shown }
        switch Int.random(in: 0..<12, using: &random) {
        case 0...4:
            // An address is used once, so that a departure is never taken for one of somebody else.
            model.started += 1
            start(Provider(service: service, host: "10.0.1.\(model.started)"), &model, scene, &random)
        case 5, 6:
            guard let provider = mortal.randomElement(using: &random) else { break }
            model.alive.remove(provider)
            model.returning[provider] = nil
            if model.registered.remove(provider) != nil { tell(provider.service, model, scene, &random) }
        case 7:
            guard model.isConnected else { break }
            scene.server.disconnect()
            model.isConnected = false
        case 8:
            guard model.isConnected else { break }
            // Whoever lives comes back: by a beat, or when its connection is made anew.
            scene.server.wipe()
            model.isConnected = false
            model.registered = []
            for provider in model.alive.sorted(by: { $0.shown < $1.shown }) {
                model.returning[provider] = model.now + Int.random(in: 0...20, using: &random)
            }
        case 9:
            let fails = Bool.random(using: &random)
            scene.server.state.change { $0.listFailure = fails ? NacosError(.timedOut) : nil }
        case 10:
            let fails = Bool.random(using: &random)
            let key = ServiceKey(name: service)
            scene.server.state.change { $0.failures[key] = fails ? NacosError(.timedOut) : nil }
        default:
            if !model.isConnected {
                scene.server.connect()
                model.isConnected = true
            }
        }
    }

    /// Lets seconds pass, in which providers come back and the source works.
    private static func pass(
        _ seconds: Int, _ model: inout Model, _ scene: FollowedNacos, _ random: inout SeededGenerator
    ) async throws {
        for _ in 0..<seconds {
            model.now += 1
            for (provider, time) in model.returning where time <= model.now {
                model.returning[provider] = nil
                model.registered.insert(provider)
                // Its push is not lost: a Nacos that loses pushes just after a restart would look like one that lost providers.
                let hosts = model.registered.filter { $0.service == provider.service }.map(\.host).sorted()
                scene.server.set(provider.service, hosts: hosts)
            }
            scene.clock.advance(by: .seconds(1))
            for _ in 0..<20 { await Task.yield() }
        }
    }
}
