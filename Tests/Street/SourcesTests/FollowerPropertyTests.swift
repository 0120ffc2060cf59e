import IsthmusTesting
import Testing

@testable import Sources

@Suite("a follower and a registry on which anything may happen", .timeLimit(.minutes(1)))
struct FollowerPropertyTests {
    @Test(
        "nothing leaves the view without an answer that says so, and at the end the view is what the registry says",
        arguments: SimulatedRegistry.Style.allCases, SeededGenerator.seeds(30))
    func anything(style: SimulatedRegistry.Style, seed: UInt64) {
        var registry = SimulatedRegistry(style, seed: seed)
        for _ in 0..<400 { registry.step() }
        registry.recover()
        #expect(registry.failures == [])
    }
}
