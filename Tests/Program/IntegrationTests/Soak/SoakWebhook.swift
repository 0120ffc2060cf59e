internal import IsthmusTesting
internal import JSON
internal import Synchronization

/// An admission webhook that is asked for every object and, for a while, refuses about half of those of the bridge.
final class SoakWebhook: Sendable {
    enum Mood: Sendable, CaseIterable {
        case allowing, forbidding, invalidating, failing
    }

    private let mood = Mutex(Mood.allowing)

    static func withWebhook(_ server: RealAPIServer, _ body: (SoakWebhook) async throws -> Void) async throws {
        let webhook = SoakWebhook()
        try await AdmissionWebhook.withWebhook {
            try webhook.decide($0)
        } _: {
            try await $0.register(in: server, namespace: SoakScene.namespace)
            try await body(webhook)
        }
    }

    func become(_ mood: Mood) { self.mood.withLock { $0 = mood } }

    private func decide(_ request: AdmissionRequest) throws -> AdmissionDecision {
        let isOfSoak =
            request.newValue?["metadata"]?["labels"]?["isthmus.mesh/instance"] == .string(SoakInvariants.instance)
        guard isOfSoak, request.name.utf8.reduce(0, { $0 &+ Int($1) }) % 2 == 0 else { return .allow }
        switch mood.withLock({ $0 }) {
        case .allowing: return .allow
        case .forbidding: return .deny("not today")
        case .invalidating: return .deny("not like this", code: 422)
        case .failing: throw TestSupportError("out of order")
        }
    }
}
