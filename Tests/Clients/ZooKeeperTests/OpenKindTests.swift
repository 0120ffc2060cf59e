import Testing

@testable import ZooKeeper

@Suite("Kinds that later versions may extend")
struct OpenKindTests {
    @Test("each known value has its number, and an unknown number is refused")
    func numbers() {
        #expect([WatchMode.persistent, .persistentRecursive].map(\.rawValue) == [0, 1])
        #expect([WatchKind.children, .data, .any].map(\.rawValue) == [1, 2, 3])
        #expect(WatchMode(rawValue: 2) == nil)
        #expect(WatchKind(rawValue: 0) == nil)
        #expect(WatchEvent.Kind(rawValue: 8) == nil)
        #expect((1...7).compactMap { WatchEvent.Kind(rawValue: $0)?.description }.count == 7)
        #expect("\(WatchEvent.Kind.dataChanged)" == "dataChanged")
        #expect(WatchEvent.Kind(rawValue: 7) == .persistentWatchRemoved)
    }

    @Test("a create mode is read from its flags", arguments: 0...7 as ClosedRange<Int32>)
    func createModes(flags: Int32) {
        let mode = CreateMode(flags: flags, timeToLive: 5)
        #expect(mode?.flags == (flags < 7 ? flags : nil))
        #expect(mode?.isSequential == (flags < 7 ? [2, 3, 6].contains(flags) : nil))
        #expect(mode?.isEphemeral == (flags < 7 ? [1, 3].contains(flags) : nil))
        #expect(mode?.timeToLive == ([5, 6].contains(flags) ? 5 : nil))
    }
}
