import IstioAPI
import IstiodOracle
import JSON
import Testing

/// Each recording of objects and of what was sent for them. What the oracle doesn't model, beside what `Istiod` says,
/// is left out here by name: the clusters and names of Kubernetes Services, which the recordings don't have either, and
/// the ztunnel's Service `kubernetes`, which isn't among the objects.
@Suite("what clients see, as a real istiod sent it")
struct ViewTests {
    static let client = "shop"

    @Test("a sidecar's clusters, endpoints, listeners, routes and names", arguments: Recording.views)
    func sidecar(recording: Recording) throws {
        let view = Istiod(recording.objects).sidecarView(of: Self.client)
        let services = recording.objects.filter { $0.kind == "Service" }.map { MeshService(kubernetes: $0).host }
        let recorded = try #require(recording.json["sidecar"]).withSortedEndpoints
        let told = view.recorded(withoutHosts: Set(services))
        #expect(told == recorded, "\(difference(told, recorded))")
    }

    @Test("a ztunnel's services and workloads", arguments: Recording.views)
    func ztunnel(recording: Recording) throws {
        var recorded = try #require(recording.json["ztunnel"]?.object)
        recorded["default/kubernetes.default.svc.cluster.local"] = nil
        let told = Istiod(recording.objects).ambientView().recorded
        #expect(told == .object(recorded), "\(difference(told, .object(recorded)))")
    }

    @Test("no recording is left out")
    func all() throws {
        let others = ["destinationrules.json", "pushes-ambient.json", "pushes.json", "validation.json"]
        #expect(try Recording.names(".json") == (Recording.views.map(\.name) + others).sorted())
        #expect(try Recording.names(".txt") == ["cost.txt", "debounce.txt", "traffic.txt"])
    }

    private func difference(_ left: JSONValue, _ right: JSONValue) -> String {
        String(decoding: (left.mergePatch(to: right) ?? .null).bytes, as: UTF8.self)
    }
}
