import Foundation
import IsthmusTesting
import Kubernetes
import Measuring

/// What the API server has of the interfaces.
struct Cluster: Sendable {
    let stage: Stage
    let namespace: String

    /// Returns when each interface has an object with these addresses.
    func wait(for addresses: Set<String>) async throws {
        try await eventually("each object has the addresses of the registry", within: .seconds(180)) {
            var equal = 0
            for try await page in stage.cluster.list(Stage.entries, namespace: namespace) {
                for object in page.objects where try Self.addresses(object) == addresses { equal += 1 }
            }
            return equal == RollingRestart.interfaces.count
        }
    }

    /// Looks at one object until the task is cancelled.
    /// - Returns: When each address that it had was not there any more.
    func disappearances(ofObject index: Int) async throws -> [String: ContinuousClock.Instant] {
        let name = RollingRestart.interfaces[index].lowercased() + ".v-1-0-0"
        var known: Set<String> = []
        var gone: [String: ContinuousClock.Instant] = [:]
        while !Task.isCancelled {
            if let object = try? await stage.cluster.get(Stage.entries, name: name, namespace: namespace) {
                let present = try Self.addresses(object)
                for address in known.subtracting(present) { gone[address] = .now }
                known = present
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return gone
    }

    private static func addresses(_ object: APIObject) throws -> Set<String> {
        struct Entry: Decodable {
            struct Spec: Decodable {
                struct Endpoint: Decodable { let address: String }
                let endpoints: [Endpoint]?
            }
            let spec: Spec
        }
        let entry = try JSONDecoder().decode(Entry.self, from: Data(object.bytes))
        return Set((entry.spec.endpoints ?? []).map(\.address))
    }
}
