import IsthmusTesting
import Sources

/// A registry that has to be asked.
struct PollingReader: RegistryReader {
    struct Registry: Sendable {
        var services: [String: [Int]] = [:]
        var isDown = false
    }

    let registry = Observed(Registry())
    let pollInterval: Duration? = .seconds(10)

    func run(report: @escaping @Sendable (RegistryChange) async -> Void) async {
        await report(.connected(details: [:]))
        await registry.wait { _ in false }
    }

    func list() async throws(ReadFailure) -> Listing {
        Listing(names: try services().keys.sorted())
    }

    func read(_ name: String) async throws(ReadFailure) -> Reading {
        .sample(name, try services()[name] ?? [])
    }

    private func services() throws(ReadFailure) -> [String: [Int]] {
        let registry = registry.value
        if registry.isDown { throw ReadFailure(.passing, reason: "HTTP 503") }
        return registry.services
    }
}
