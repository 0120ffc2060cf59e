import IstioAPI
import Testing

@testable import KubernetesDelivery

@Suite("who else has hosts of ours")
struct ForeignHostsTests {
    private static let scope = HostScope(domain: "mesh", namespace: "dubbo")
    private static let view = ForeignView(subject: .serviceEntry, fieldSelector: "metadata.namespace!=dubbo")
    private static let other = ForeignView(subject: .service, namespace: "mesh")
    private static let orders = ResourceKey(namespace: "dubbo", name: "orders")

    private var hosts = ForeignHosts(scope, views: [view])

    private static func entry(_ name: String, in namespace: String = "shop", exportTo: Set<String> = [])
        -> ForeignObject
    {
        ForeignObject(
            name: .init(kind: .serviceEntry, namespace: namespace, name: name), created: "20261201000000",
            exportTo: exportTo)
    }

    private mutating func list(_ objects: ForeignObject..., host: String = "orders.mesh") -> Set<String> {
        hosts.listBegins(Self.view)
        for object in objects { hosts.listed(Self.view, object, hosts: [host]) }
        return hosts.listComplete(Self.view)
    }

    private var answer: ForeignHosts.Answer { hosts.owners(ofHostOf: Self.orders) }

    @Test("before the first list ends nothing is known, and afterwards who has the host")
    mutating func firstList() {
        hosts.listBegins(Self.view)
        hosts.listed(Self.view, Self.entry("a"), hosts: ["orders.mesh"])
        #expect(answer == .unknown && !hosts.isSettled)
        #expect(hosts.listComplete(Self.view) == ["orders.mesh"])
        #expect(answer == .taken([Self.entry("a")]) && hosts.isSettled)
        #expect(hosts.owners(ofHostOf: ResourceKey(namespace: "dubbo", name: "cart")) == .free)
    }

    @Test("a list replaces what was known, and names the hosts of both")
    mutating func replacement() {
        _ = list(Self.entry("a"))
        #expect(list(Self.entry("b"), host: "cart.mesh") == ["orders.mesh", "cart.mesh"])
        #expect(answer == .free)
    }

    @Test("a list that breaks off, and a watch that fails, change nothing")
    mutating func failure() {
        _ = list(Self.entry("a"))
        hosts.listBegins(Self.view)
        hosts.interrupted(Self.view, isRefusal: false, now: .seconds(1))
        #expect(answer == .taken([Self.entry("a")]))
        hosts.interrupted(Self.view, isRefusal: true, now: .seconds(2))
        #expect(answer == .taken([Self.entry("a")]))
    }

    @Test("what the API server refuses is not waited for, and what it fails to list for half a minute")
    mutating func refusal() {
        hosts = ForeignHosts(Self.scope, views: [Self.view, Self.other])
        hosts.interrupted(Self.other, isRefusal: true, now: .zero)
        #expect(answer == .unknown)
        hosts.interrupted(Self.view, isRefusal: false, now: .seconds(5))
        hosts.interrupted(Self.view, isRefusal: false, now: .seconds(34))
        #expect(answer == .unknown)
        hosts.interrupted(Self.view, isRefusal: false, now: .seconds(35))
        #expect(answer == .free)
        _ = list(Self.entry("a"))
        #expect(answer == .taken([Self.entry("a")]))
    }

    @Test("a change that leaves the hosts as they are is none")
    mutating func sameHosts() {
        _ = list(Self.entry("a"))
        #expect(hosts.changed(Self.view, Self.entry("a"), hosts: ["orders.mesh"]) == [])
        #expect(hosts.changed(Self.view, Self.entry("a", exportTo: ["~"]), hosts: ["orders.mesh"]) == ["orders.mesh"])
        #expect(answer == .free)
        #expect(hosts.changed(Self.view, Self.entry("a"), hosts: ["cart.mesh"]) == ["orders.mesh", "cart.mesh"])
        #expect(hosts.deleted(Self.view, Self.entry("a").name) == ["cart.mesh"])
    }

    @Test("an object that moves between two views is there as long as one of them shows it")
    mutating func twoViews() {
        hosts = ForeignHosts(Self.scope, views: [Self.view, Self.other])
        _ = list(Self.entry("a"))
        hosts.listBegins(Self.other)
        _ = hosts.listComplete(Self.other)
        _ = hosts.changed(Self.other, Self.entry("a"), hosts: ["orders.mesh"])
        _ = hosts.deleted(Self.view, Self.entry("a").name)
        #expect(answer == .taken([Self.entry("a")]))
        _ = hosts.deleted(Self.other, Self.entry("a").name)
        #expect(answer == .free)
    }

    @Test("an object of the very name is no other owner: that is a conflict of names")
    mutating func namesake() {
        _ = list(Self.entry("orders", in: "dubbo"))
        #expect(answer == .free)
    }

    @Test(
        "in sidecar mode exportTo separates objects of two namespaces, and in ambient nothing does",
        arguments: [
            ([], [], true), (["*"], ["."], true), (["*"], ["~"], false), ([], ["~"], false),
            (["."], ["."], false), (["."], ["dubbo"], true), (["cart"], ["cart", "shop"], true),
            (["cart"], ["shop"], false), (["~"], ["*"], false),
        ] as [(Set<String>, Set<String>, Bool)])
    mutating func exports(ours: Set<String>, theirs: Set<String>, isTaken: Bool) {
        for mesh in MeshMode.allCases {
            let scope = HostScope(domain: "mesh", namespace: "dubbo", exportTo: ours, mesh: mesh)
            hosts = ForeignHosts(scope, views: [Self.view])
            let entry = Self.entry("a", exportTo: theirs)
            _ = list(entry)
            #expect(answer == (isTaken || mesh == .ambient ? .taken([entry]) : .free))
        }
    }

    @Test("in one namespace exportTo separates nothing: istiod gives a host all endpoints of its namespace")
    mutating func oneNamespace() {
        let entry = Self.entry("a", in: "dubbo", exportTo: ["~"])
        _ = list(entry)
        #expect(answer == .taken([entry]))
    }

    @Test("a namespace that is the domain has all its hosts")
    mutating func domain() {
        let namespace = ForeignObject(name: .init(kind: .namespace, namespace: "", name: "mesh"))
        _ = list(namespace, host: "mesh")
        #expect(answer == .taken([namespace]) && hosts.isDomainTaken)
        _ = list()
        #expect(answer == .free && !hosts.isDomainTaken)
    }

    @Test("the views of a scope are the other ServiceEntries, and the Services that can have its hosts")
    func views() {
        let ownership = World.ownership
        let entries =
            [
                "app.kubernetes.io/managed-by!=isthmus",
                "app.kubernetes.io/managed-by=isthmus,isthmus.mesh/instance!=main",
            ].map { ForeignView(subject: .serviceEntry, namespace: "dubbo", labelSelector: $0) } + [Self.view]
        #expect(HostScope(domain: "rpc.acme.com", namespace: "dubbo").views(ownership) == entries)
        #expect(
            Self.scope.views(ownership) == entries + [
                ForeignView(subject: .namespace, fieldSelector: "metadata.name=mesh"), Self.other,
            ])
        #expect(
            HostScope(domain: "", namespace: "dubbo").views(ownership) == entries + [ForeignView(subject: .service)])
    }
}
