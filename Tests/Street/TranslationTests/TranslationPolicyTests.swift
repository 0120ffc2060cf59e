import Addressing
import IstioAPI
import Services
import Testing
import Translation

@Suite("what the operator decides")
struct TranslationPolicyTests {
    @Test(
        "a registry may not take a host of the cluster",
        arguments: [
            "localhost", "cluster.local", "cart.shop.svc.cluster.local", "cart.shop.svc", "cart.default", "cart.dubbo",
            "cart",
        ])
    func cluster(host: String) {
        #expect(TranslationPolicy(namespace: "dubbo").refusal(ofHost: host) != nil)
    }

    @Test("a service whose host is refused makes no object and holds nothing")
    func refused() {
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", domain: ""))
        var assignments = Assignments()
        let outcome = translator.translate(
            Service("Cart.shop.svc.cluster.local", [.sample(1)]), &assignments, now: .zero)
        #expect(outcome.resource == nil && outcome.problem != nil)
        #expect(assignments.count == 0)
        let gone = translator.translate(Service("Cart.shop.svc", []), &assignments, now: .zero)
        #expect(gone.resource == nil && gone.problem == nil)
    }

    @Test(
        "allowed hosts are patterns with '*' at an end",
        arguments: [
            ("com.acme.cart", true), ("com.acme.", true), ("com.acmecart", false), ("a.shopping", false),
            ("x.shop", true),
            ("exact.host", true), ("not.exact.host", false),
        ])
    func allowed(host: String, isAllowed: Bool) {
        let policy = TranslationPolicy(namespace: "dubbo", allowedHosts: ["com.acme.*", "*.shop", "exact.host"])
        #expect((policy.refusal(ofHost: host) == nil) == isAllowed)
    }

    @Test("with its domain a name of the cluster is a host like any other; bare names need a dot")
    func domain() {
        var assignments = Assignments()
        let names = ["Cart", "Cart.shop.svc", "localhost", "cart.default", "a.Cart"]
        func hosts(_ domain: String) -> [[String]] {
            let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", domain: domain))
            assignments = Assignments()
            return translator.resources(names.map { Service($0, [.sample(1)]) }, &assignments).map(\.hosts)
        }
        #expect(hosts("mesh") == names.map { ["\($0.lowercased()).mesh"] })
        #expect(hosts("") == [["a.cart"]])
    }

    @Test(
        "a domain can't be a namespace's name, nor the cluster's",
        arguments: [
            ("mesh", true), ("", true), ("rpc.acme.example", true), ("dubbo", false), ("default", false),
            ("istio-system", false), ("svc", false), ("cluster.local", false), ("a.cluster.local", false),
            ("x.svc", false), ("svc.cluster.local", false), ("local", true), ("Mesh", false), ("a b", false),
            (".mesh", false), ("10", false), ("localhost", false), (String(repeating: "d", count: 63), true),
            (String(repeating: "d", count: 32) + "." + String(repeating: "d", count: 32), false),
        ])
    func domains(domain: String, isGood: Bool) {
        let problem = TranslationPolicy(namespace: "dubbo", domain: domain).domainProblem
        #expect((problem == nil) == isGood, "\(problem ?? "")")
    }

    @Test("plain protocols are protocols that there are")
    func plainProtocols() {
        var policy = TranslationPolicy(namespace: "dubbo")
        #expect(policy.hosts.plainProtocols == ["dubbo", "http"] && policy.plainProtocolProblem == nil)
        policy.hosts.plainProtocols = ["dubbo", "trie"]
        #expect(policy.plainProtocolProblem?.contains("'trie'") == true)
    }

    @Test(
        "labels that steer the mesh are not a registry's to set",
        arguments: [
            "istio.io/rev", "security.istio.io/tlsMode", "topology.kubernetes.io/zone", "topology.istio.io/locality",
            "app.kubernetes.io/name", "a b", "",
        ])
    func reservedLabels(key: String) {
        #expect(TranslationPolicy(namespace: "dubbo", keptLabels: ["version", key]).labelProblem != nil)
    }

    @Test("a policy says what is wrong with it")
    func problems() {
        let sound = TranslationPolicy(namespace: "dubbo")
        #expect(sound.labelProblem == nil && sound.instanceProblem == nil && sound.namespaceProblem == nil)
        #expect(TranslationPolicy(instance: "", namespace: "dubbo").instanceProblem != nil)
        #expect(TranslationPolicy(instance: "a b", namespace: "dubbo").instanceProblem != nil)
        #expect(TranslationPolicy(namespace: "Dubbo").namespaceProblem != nil)
    }

    @Test("without a block no address is written", arguments: [.istiod, .none] as [TranslationPolicy.AddressPolicy])
    func noAddresses(addresses: TranslationPolicy.AddressPolicy) {
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", addresses: addresses))
        var assignments = Assignments()
        #expect(translator.resources([Service("a.B", [.sample(1)])], &assignments).map(\.addresses) == [[]])
    }
}
