import IstioAPI
import JSON
import Testing
import Translation

@Suite("the rule that ejects endpoints")
struct OutlierRuleTests {
    private func policy(_ detection: OutlierDetection? = OutlierDetection()) -> TranslationPolicy {
        var policy = TranslationPolicy(instance: "main", namespace: "dubbo", formats: [])
        policy.outlierDetection = detection
        return policy
    }

    @Test("it judges failed connections of all bridged hosts, and nothing else")
    func content() throws {
        let rule = try #require(policy().outlierRule)
        #expect(rule.violations == [])
        #expect(rule.key == ResourceKey(.destinationRule, namespace: "dubbo", name: "isthmus-main"))
        #expect(rule.labels == ["app.kubernetes.io/managed-by": "isthmus", "isthmus.mesh/instance": "main"])
        #expect(
            rule.spec == [
                "host": "*.mesh",
                "trafficPolicy": [
                    "loadBalancer": ["localityLbSetting": ["enabled": false]],
                    "outlierDetection": [
                        "consecutive5xxErrors": 0, "consecutiveGatewayErrors": 0,
                        "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailures": 2,
                        "interval": "1s", "baseEjectionTime": "10s", "maxEjectionPercent": 50,
                    ],
                ],
            ])
    }

    @Test("there is none where it is off, or where hosts have no domain")
    func absent() {
        #expect(policy(nil).outlierRule == nil)
        var bare = policy()
        bare.hosts.domain = ""
        #expect(bare.outlierRule == nil)
    }
}
