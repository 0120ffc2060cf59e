import IstioAPI
import JSON
import Testing

/// The rules that the recordings don't show; those that they do are compared in `IstiodOracleTests`.
@Suite("what a change pushes")
struct IstiodPushTests {
    private static func object(_ change: (inout ServiceEntry) -> Void = { _ in }) -> ConfigObject {
        ConfigObject(.serviceEntry(.sample.with(change)))
    }

    private static func accounts(_ names: String...) -> ConfigObject {
        var object = object()
        let endpoints = names.enumerated().map { index, name in
            ["address": .string("10.0.0.\(index)"), "serviceAccount": .string(name)] as JSONValue
        }
        object.spec = object.spec.applying(mergePatch: ["endpoints": .array(endpoints)])
        return object
    }

    @Test("a service that is written as before in other words is no change")
    func spelling() {
        var other = Self.object()
        other.annotations = ["x": "1"]
        other.created = "2026-01-01T00:00:00Z"
        other.status = ["observedGeneration": 3]
        other.spec = other.spec.applying(
            mergePatch: ["ports": [["name": "tcp-dubbo", "number": 20880, "protocol": "tcp", "targetPort": 20880]]])
        #expect(IstiodPush.serviceEntry(from: Self.object(), to: other) == .nothing)
        #expect(IstiodPush.serviceEntry(from: nil, to: nil) == .nothing)
    }

    @Test("every field that changes the service is named")
    func reasons() {
        let after = Self.object {
            $0.addresses = []
            $0.resolution = .dns
            $0.labels = [:]
            $0.endpoints = []
        }
        let push = IstiodPush.serviceEntry(from: Self.object(), to: after)
        #expect(push == .full([.changed(.addresses), .changed(.resolution), .changed(.labels)]))
        #expect(
            push.description
                == "full push, because spec.addresses changes and spec.resolution changes and metadata.labels change")
    }

    @Test("the first endpoint that istiod ever sees of a host is a full push, the next first one isn't")
    func firstEndpoint() {
        let empty = Self.object { $0.endpoints = [] }
        let unseen = IstiodPush.Surroundings(hasSeenEndpoints: false)
        #expect(IstiodPush.serviceEntry(from: empty, to: Self.object(), beside: unseen) == .full([.firstEndpoints]))
        #expect(IstiodPush.serviceEntry(from: empty, to: Self.object()) == .endpointsOnly)
        #expect(IstiodPush.serviceEntry(from: Self.object(), to: empty) == .endpointsOnly)
    }

    @Test(
        "only a change of the set of service accounts is a full push, and the last endpoint takes its account silently")
    func serviceAccounts() {
        func push(_ before: ConfigObject, _ after: ConfigObject, elsewhere: Set<String> = []) -> IstiodPush {
            .serviceEntry(
                from: before, to: after, beside: .init(serviceAccounts: elsewhere, hasEndpoints: !elsewhere.isEmpty))
        }
        #expect(push(Self.accounts("x", "y"), Self.accounts("y", "x")) == .endpointsOnly)
        #expect(push(Self.accounts("x", "y"), Self.accounts("x", "x")) == .full([.serviceAccounts]))
        #expect(push(Self.accounts("x"), Self.accounts("x", "y"), elsewhere: ["y"]) == .endpointsOnly)
        #expect(push(Self.accounts("x"), Self.accounts()) == .endpointsOnly)
        #expect(push(Self.accounts("x"), Self.accounts(), elsewhere: ["y"]) == .full([.serviceAccounts]))
        #expect(push(Self.accounts(), Self.accounts("x")) == .full([.serviceAccounts]))
    }

    @Test("a WorkloadEntry costs what the entries that select it cost")
    func workloads() {
        func workload(_ label: String) -> ConfigObject {
            ConfigObject(
                kind: "WorkloadEntry", namespace: "dubbo", name: "w", labels: ["svc": label],
                spec: ["address": "10.0.0.1"])
        }
        func entry(_ label: String, _ resolution: ServiceEntry.Resolution) -> ConfigObject {
            Self.object {
                $0.workloadSelector = ["svc": label]
                $0.resolution = resolution
            }
        }
        let entries = [entry("a", .static), entry("b", .static), entry("c", .dns)]
        func push(_ before: String?, _ after: String?) -> IstiodPush {
            .workloadEntry(from: before.map(workload), to: after.map(workload), among: entries)
        }
        #expect(push("a", "b") == .endpointsOnly)
        #expect(push("a", "c") == .full([.resolvedEndpoints]))
        #expect(push("x", "y") == .nothing)
        #expect(push("a", "a") == .nothing)
        #expect(push(nil, "a") == .endpointsOnly)
        #expect(push("c", nil) == .full([.resolvedEndpoints]))
    }

    @Test("pushes that come together are one")
    func together() {
        let full = IstiodPush.full([.appears])
        #expect(IstiodPush.nothing.and(.endpointsOnly) == .endpointsOnly)
        #expect(IstiodPush.endpointsOnly.and(full) == full && full.and(.endpointsOnly) == full)
        #expect(full.and(.full([.rule, .appears])) == .full([.appears, .rule]))
    }
}
