import GRPC
import Testing

@testable import Etcd

@Suite("a watch of etcd")
struct WatchStateTests {
    private static func response(
        revision: Int64 = 10, _ change: (inout WatchResponse) -> Void = { _ in }
    ) -> WatchResponse {
        var response = WatchResponse()
        response.header = ResponseHeader(revision: revision)
        change(&response)
        return response
    }

    private static func created(_ start: Int64 = 11) -> WatchState {
        var state = WatchState(startRevision: start)
        #expect(state.received(response { $0.isCreated = true }) == .created)
        return state
    }

    private static func event(_ key: String, _ revision: Int64) -> EtcdEvent {
        EtcdEvent(EtcdKeyValue(key: Array(key.utf8), revision: revision))
    }

    @Test("events are told once, in order")
    func events() {
        var state = Self.created()
        let first = [Self.event("a", 11), Self.event("b", 12)]
        #expect(state.received(Self.response { $0.events = first }) == .changed(first))
        #expect(state.received(Self.response { $0.events = first }) == nil, "they were told")
        #expect(state.nextRevision == 13)
    }

    @Test("a revision in parts is told as a whole")
    func fragments() {
        var state = Self.created()
        let first = Self.response {
            $0.events = [Self.event("a", 11)]
            $0.isFragment = true
        }
        #expect(state.received(first) == nil)
        let last = Self.response { $0.events = [Self.event("b", 11)] }
        #expect(state.received(last) == .changed([Self.event("a", 11), Self.event("b", 11)]))
    }

    @Test("a notice of progress is no change")
    func progress() {
        var state = Self.created()
        #expect(state.received(Self.response(revision: 500)) == nil)
        #expect(state.nextRevision == 11, "servers before 3.4.25 tell of progress before the events")
    }

    @Test("a compacted revision ends the watch, and nothing follows")
    func compacted() {
        var state = Self.created()
        let response = Self.response {
            $0.isCanceled = true
            $0.compactRevision = 20
        }
        #expect(state.received(response) == .ended(EtcdError(.compacted)))
        #expect(state.received(Self.response { $0.events = [Self.event("a", 11)] }) == nil)
        #expect(state.closed(EtcdError(.disconnected)) == nil)
    }

    @Test("a server that was restored from a backup does not let the watch wait for ever")
    func future() {
        var state = WatchState(startRevision: 1_026)
        let created = Self.response(revision: 25) { $0.isCreated = true }
        #expect(state.received(created) == .ended(EtcdError(.futureRevision)))
    }

    @Test(
        "a refused watch says why",
        arguments: [
            ("etcdserver: permission denied", EtcdError.Code.permissionDenied),
            ("etcdserver: invalid auth token", .invalidToken), ("etcdserver: user name is empty", .userNeeded),
            ("etcdserver: revision of auth store is old", .invalidToken), ("something new", .failed),
        ])
    func refused(reason: String, code: EtcdError.Code) {
        var state = WatchState(startRevision: 11)
        let response = Self.response {
            $0.isCreated = true
            $0.isCanceled = true
            $0.cancelReason = reason
        }
        guard case .ended(let error)? = state.received(response) else {
            Issue.record("it did not end")
            return
        }
        #expect(error.code == code)
    }

    @Test(
        "a status becomes the error that its words say",
        arguments: [
            (
                GRPCStatus(.outOfRange, "etcdserver: mvcc: required revision has been compacted"),
                EtcdError.Code.compacted
            ),
            (GRPCStatus(.outOfRange, "etcdserver: mvcc: required revision is a future revision"), .futureRevision),
            (
                GRPCStatus(.invalidArgument, "etcdserver: authentication failed, invalid user ID or password"),
                .authenticationFailed
            ),
            (GRPCStatus(.unavailable, "etcdserver: no leader"), .unavailable),
            (GRPCStatus(.unavailable, ""), .unavailable), (GRPCStatus(.resourceExhausted, ""), .overloaded),
        ])
    func statuses(status: GRPCStatus, code: EtcdError.Code) {
        #expect(EtcdError(status).code == code)
    }
}
