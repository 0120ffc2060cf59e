import IsthmusTesting
import IstioAPI
import JSON
import Planning
import Testing

@Suite("properties of plans")
struct PlanPropertyTests {
    @Test("a plan for what is already there is empty", arguments: SeededGenerator.seeds(8))
    func idempotent(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let desired = randomEntry(&random)
            #expect(
                Change.plan(desired: .serviceEntry(desired), actual: ActualObject(created: desired), ownership: .sample)
                    == .none)
        }
    }

    @Test("applying a plan gives the desired state and keeps the fields of others", arguments: SeededGenerator.seeds(8))
    func converges(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let desired = randomEntry(&random)
            var actual = ActualObject(created: randomEntry(&random))
            let foreign = addForeignFields(to: &actual, &random)
            guard
                case .patch(let planned, let patch) = Change.plan(
                    desired: .serviceEntry(desired), actual: actual, ownership: .sample)
            else { continue }
            #expect(planned == actual)
            #expect(planned.revision == actual.revision)
            let applied = actual.applying(patch, revision: Revision(2))
            #expect(Change.plan(desired: .serviceEntry(desired), actual: applied, ownership: .sample) == .none)
            #expect(applied.revision == Revision(2))
            for member in desired.spec.object?.members ?? [] { #expect(applied.spec[member.key] == member.value) }
            #expect(applied.labels.merging(desired.labels) { $1 } == applied.labels)
            #expect(applied.annotations.merging(desired.annotations) { $1 } == applied.annotations)
            #expect(applied.labels["team"] == foreign && applied.annotations["example.com/note"] == foreign)
            #expect(applied.spec["subjectAltNames"] == .array([.string(foreign)]))
            // What was read back from the API server's bytes is the same again.
            let reread = try JSONValue(parsing: applied.spec.bytes)
            #expect(reread == applied.spec)
        }
    }

    @Test("a patch names only what differs", arguments: SeededGenerator.seeds(8))
    func minimal(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            let before = randomEntry(&random)
            let desired = randomEntry(&random)
            let actual = ActualObject(created: before)
            let change = Change.plan(desired: .serviceEntry(desired), actual: actual, ownership: .sample)
            guard case .patch(_, let patch) = change else { continue }
            for key in patch["spec"]?.object?.keys ?? [] { #expect(before.spec[key] != desired.spec[key], "\(key)") }
            let fields = Set(patch["spec"]?.object?.keys ?? [])
            #expect(
                !change.push().isFull == (fields.isSubset(of: ["endpoints"]) && patch["metadata"]?["labels"] == nil))
        }
    }

    private func addForeignFields(to actual: inout ActualObject, _ random: inout SeededGenerator) -> String {
        let text = "foreign-\(UInt8.random(in: 0...255, using: &random))"
        actual.labels["team"] = text
        actual.annotations["example.com/note"] = text
        actual.annotations["isthmus.mesh/left-over"] = text
        actual.spec = actual.spec.applying(mergePatch: ["subjectAltNames": [.string(text)]])
        return text
    }

    /// From so few values that two often agree in some fields.
    private func randomEntry(_ random: inout SeededGenerator) -> ServiceEntry {
        var entry = ServiceEntry.sample
        entry.annotations["isthmus.mesh/registries"] = ["zk", "zk,nacos"].randomElement(using: &random)
        if Bool.random(using: &random) { entry.annotations["isthmus.mesh/service"] = "com.acme.Cart é \"quoted\"\n" }
        entry.addresses = [[], ["240.16.0.1"], ["240.16.0.2"]].randomElement(using: &random)!
        entry.exportTo = [["*"], [".", "shop"]].randomElement(using: &random)!
        entry.endpoints = (0..<Int.random(in: 0...3, using: &random)).map { index in
            ServiceEntry.Endpoint(
                address: "10.0.0.\(index)", ports: ["tcp-dubbo": .random(in: 1...2, using: &random)],
                labels: Bool.random(using: &random) ? [:] : ["version": "1"],
                locality: Bool.random(using: &random) ? "" : "eu/a",
                weight: [nil, 1, 100].randomElement(using: &random)!)
        }
        return entry
    }
}
