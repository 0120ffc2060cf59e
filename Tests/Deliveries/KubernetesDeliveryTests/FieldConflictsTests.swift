import IstioAPI
import JSON
import Kubernetes
import KubernetesDelivery
import Testing

@Suite("field conflicts with other writers")
struct FieldConflictsTests {
    private var conflicts = FieldConflicts()
    private let entry = ServiceEntry.sample("a", 1)

    private mutating func delay(_ desired: ServiceEntry? = nil, at now: Double) -> FieldConflicts.Delay? {
        conflicts.delay(
            before: .serviceEntry(desired ?? entry), fields: ["spec.hosts"], writer: nil, now: .seconds(now))
    }

    private mutating func write(
        _ desired: ServiceEntry? = nil, isDrift: Bool = true, altered: [String] = [], at now: Double
    ) -> FieldConflicts.Delay? {
        conflicts.wrote(
            .serviceEntry(desired ?? entry), isDrift: isDrift, alteredFields: altered, now: .seconds(now), jitter: 1)
    }

    @Test("what the registry wants is no conflict and leaves nothing behind")
    mutating func peace() {
        for index in 0..<10 {
            let desired = ServiceEntry.sample("a", index)
            #expect(delay(desired, at: 0) == nil)
            #expect(write(desired, isDrift: false, at: 0) == nil)
        }
        #expect(conflicts.count == 0)
    }

    @Test("the first repair is made at once; the time to the next doubles from a second to five minutes")
    mutating func backoff() {
        var now = 0.0
        var delays: [Duration] = []
        for _ in 0..<12 {
            #expect(delay(at: now) == nil)
            #expect(write(at: now) == nil)
            guard let delay = delay(at: now)?.duration else { continue }
            delays.append(delay)
            now += delay / .seconds(1)
        }
        #expect(delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map { .seconds($0) })
    }

    @Test("what the registry wants anew never waits, and a conflict that goes on keeps its delay")
    mutating func newWish() {
        for now in [0.0, 1, 3] { _ = write(at: now) }
        #expect(delay(at: 4)?.duration == .seconds(3))
        let new = ServiceEntry.sample("a", 2)
        #expect(delay(new, at: 4) == nil)
        #expect(write(new, isDrift: false, at: 4) == nil)
        #expect(delay(new, at: 5)?.duration == .seconds(3))
    }

    @Test("a conflict is forgotten after a quiet time, which grows with its delay")
    mutating func quiet() {
        _ = write(at: 0)
        conflicts.forgetQuiet(now: .seconds(122))
        #expect(conflicts.count == 1)
        conflicts.forgetQuiet(now: .seconds(123))
        #expect(conflicts.count == 0)
        for _ in 0..<12 { _ = write(at: 200) }
        #expect(delay(at: 499) != nil)
        conflicts.forgetQuiet(now: .seconds(900))
        #expect(conflicts.count == 1)
        #expect(delay(at: 921) == nil)
        #expect(conflicts.count == 0)
    }

    @Test("what is altered in the course of a write is a conflict from the first write on")
    mutating func altered() throws {
        let first = try #require(write(isDrift: false, altered: ["spec.hosts"], at: 0))
        #expect(first.duration == .seconds(1))
        #expect(
            first.reason.hasPrefix("spec.hosts is stored otherwise than it was written, as by an admission webhook"))
        #expect(delay(at: 0)?.reason == first.reason)
        #expect(write(isDrift: false, altered: ["spec.hosts"], at: 1)?.duration == .seconds(2))
    }

    @Test("a conflict names its fields and, where known, the other side, in the same words until its delay grows")
    mutating func reasons() {
        _ = write(at: 0)
        let fields = ["spec.hosts", "metadata.labels[team]"]
        let named = conflicts.delay(before: .serviceEntry(entry), fields: fields, writer: "kubectl-edit", now: .zero)
        #expect(
            named?.reason
                == "'kubectl-edit' keeps changing spec.hosts, metadata.labels[team]; it is put right every 1 s at most")
        let again = conflicts.delay(before: .serviceEntry(entry), fields: fields, writer: nil, now: .milliseconds(500))
        #expect(again?.reason == named?.reason)
        _ = write(at: 1)
        let deleted = conflicts.delay(before: .serviceEntry(entry), fields: [], writer: nil, now: .seconds(1))
        #expect(deleted?.reason == "'kubectl-edit' keeps deleting it; it is put right every 2 s at most")
    }

    @Test("the other side is who changed the object last, apart from us and from what belongs to its status")
    func lastWriter() throws {
        let fields: [JSONValue] = [
            ["manager": "isthmus", "time": "2026-01-03T00:00:00Z"],
            ["manager": "helm", "time": "2026-01-01T00:00:00Z"],
            ["manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z"],
            ["manager": "istiod", "time": "2026-01-04T00:00:00Z", "subresource": "status"],
        ]
        let object = try #require(APIObject(["metadata": ["name": "a", "managedFields": .array(fields)]]))
        #expect(object.lastWriter(otherThan: "isthmus") == "kubectl-edit")
        #expect(try #require(APIObject(["metadata": ["name": "a"]])).lastWriter(otherThan: "isthmus") == nil)
    }
}
