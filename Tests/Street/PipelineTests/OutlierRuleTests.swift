import Deliveries
import IstioAPI
import Testing
import Translation

@testable import Pipeline

@Suite("when the rule that ejects endpoints is wanted")
struct OutlierRuleTests {
    private static let policy = {
        var policy = TranslationPolicy(namespace: "dubbo")
        policy.outlierDetection = OutlierDetection()
        policy.emptyRetention = .seconds(60)
        return policy
    }()

    private let key = ResourceKey(.destinationRule, namespace: "dubbo", name: "isthmus-main")

    @Test("it comes with the first service and goes with the last one")
    func life() throws {
        let rule = try #require(Self.policy.outlierRule)
        var scene = Scene(policy: Self.policy)
        scene.begin()
        #expect(scene.wanted(key) == .undecided, "no registry was read")
        scene.read(["a.Cart": [1]])
        #expect(scene.cluster.told.contains(key))
        #expect(scene.wanted(key) == .present(.destinationRule(rule)))
        #expect(scene.machine.everyKey.contains(key))
        scene.settle()
        scene.remove("a.Cart", 1)
        scene.settle()
        #expect(scene.wanted(key) == .present(.destinationRule(rule)), "the entry stays for a while")
        scene.pass(.seconds(61))
        #expect(scene.wanted(key) == .absent && !scene.machine.everyKey.contains(key))
    }

    @Test("a restart never takes it away")
    func restart() throws {
        let rule = try #require(Self.policy.outlierRule)
        var first = Scene(policy: Self.policy)
        first.begin()
        first.read(["a.Cart": [1]])
        first.settle()
        var second = Scene(first.cluster, policy: Self.policy)
        #expect(second.wanted(key) == .undecided)
        second.begin()
        #expect(second.wanted(key) != .absent)
        second.read(["a.Cart": [1]])
        #expect(second.wanted(key) == .present(.destinationRule(rule)))
        second.settle()
        #expect(second.cluster.writes == first.cluster.writes)
    }

    @Test("a rule of ours that nobody wants goes when the registries are followed")
    func leftover() {
        let former = ResourceKey(.destinationRule, namespace: "dubbo", name: "isthmus-former")
        var scene = Scene(policy: TranslationPolicy(namespace: "dubbo"))
        scene.begin()
        #expect(scene.wanted(former) == .undecided)
        scene.read(["a.Cart": [1]])
        #expect(scene.wanted(former) == .absent && scene.wanted(key) == .absent)
    }
}
