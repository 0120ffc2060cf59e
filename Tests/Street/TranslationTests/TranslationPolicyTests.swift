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
        ])
    func cluster(host: String) {
        #expect(TranslationPolicy(namespace: "dubbo").refusal(ofHost: host) != nil)
    }

    @Test("a service whose host is refused makes no object and holds nothing")
    func refused() {
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo"))
        var assignments = Assignments()
        let outcome = translator.translate(
            Service("Cart.shop.svc.cluster.local", [.sample(1)]), &assignments, now: .zero)
        #expect(outcome.resources == [] && outcome.problems.count == 1)
        #expect(assignments.count == 0)
        let gone = translator.translate(Service("Cart.shop.svc", []), &assignments, now: .zero)
        #expect(gone.resources == [] && gone.problems == [])
    }

    @Test(
        "allowed hosts are patterns with '*' at an end",
        arguments: [
            ("com.acme.cart", true), ("com.acme.", true), ("com.acmecart", false), ("shop", false), ("x.shop", true),
            ("exact.host", true), ("not.exact.host", false),
        ])
    func allowed(host: String, isAllowed: Bool) {
        let policy = TranslationPolicy(namespace: "dubbo", allowedHosts: ["com.acme.*", "*.shop", "exact.host"])
        #expect((policy.refusal(ofHost: host) == nil) == isAllowed)
    }

    @Test("the host with a hash is the one that has to be allowed")
    func contested() {
        let translator = Translator(policy: TranslationPolicy(namespace: "dubbo", allowedHosts: ["*.cart"]))
        var assignments = Assignments()
        #expect(translator.resources([Service("a.Cart", [.sample(1)])], &assignments).map(\.hosts) == [["a.cart"]])
        #expect(translator.translate(Service("a.CART", [.sample(1)]), &assignments, now: .zero).problems.count == 1)
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
