import IsthmusTesting
import Logging
import Testing

@testable import Sources

@Suite("the log of a follower")
struct FollowerLogTests {
    private let recorder = LogRecorder()

    @Test("an hour without a registry is a few lines, each of which says for how long it goes on, and one for its end")
    func outage() {
        var log = FollowerLog(recorder.logger)
        for second in 0..<3600 {
            log.log(.disconnected(reason: "Connection refused", failures: second + 1), now: .seconds(second))
        }
        #expect(recorder.messages.count == 11)
        #expect(recorder.messages.first?.contains("registry disconnected") == true)
        #expect(recorder.messages.last?.contains("50.5 min") == true, "\(recorder.messages.last ?? "")")
        log.log(.connected(["server": "127.0.0.1:2181"]), now: .seconds(3600))
        #expect(recorder.messages.count == 12)
        log.log(.read(ReadTally(), isNews: true), now: .seconds(3601))
        log.log(.disconnected(reason: "Connection refused", failures: 1), now: .seconds(3602))
        #expect(recorder.messages.count == 14)
    }

    @Test("a connection that breaks before anything is read is one condition")
    func flapping() {
        var log = FollowerLog(recorder.logger)
        for second in 0..<60 {
            log.log(.connected(["server": "127.0.0.1:2181"]), now: .seconds(second))
            log.log(.disconnected(reason: "reset", failures: second + 1), now: .seconds(second))
        }
        #expect(recorder.messages(at: .info).count == 4)
        #expect(recorder.messages(at: .warning).count == 3)
    }
}
