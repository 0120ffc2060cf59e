import Testing

@testable import ZooKeeper

@Suite("Create modes")
struct CreateModeTests {
    @Test(
        "a time to live is from 1 ms to 2^40 - 1 ms",
        arguments: [
            (Duration.milliseconds(1), true), (.milliseconds(1 << 40) - .milliseconds(1), true), (.zero, false),
            (.microseconds(900), false), (.seconds(-1), false), (.milliseconds(1 << 40), false),
            (.seconds(Int64.max), false),
        ])
    func timeToLive(time: Duration, isValid: Bool) {
        for mode in [CreateMode.persistentWithTTL(time), .persistentSequentialWithTTL(time)] {
            if isValid {
                #expect(throws: Never.self) { try mode.validate(for: "/t") }
            } else {
                #expect(throws: ZooKeeperError.self) { try mode.validate(for: "/t") }
            }
        }
    }
}
