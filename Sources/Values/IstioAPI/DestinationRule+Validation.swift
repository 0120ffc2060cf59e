extension DestinationRule {
    /// What istiod or the API server would refuse: `ValidateDestinationRule` of `istio/pkg/config/validation`, as far
    /// as it concerns fields that Isthmus writes. A resource with violations is never sent.
    package var violations: [Violation] {
        var found = metadataViolations(key, labels, annotations)
        func check(_ holds: Bool, _ field: @autoclosure () -> String, _ reason: @autoclosure () -> String) {
            if !holds { found.append(Violation(field: "spec.\(field())", reason: reason())) }
        }
        check(Self.isHost(host), "host", "'\(host)' is neither a host name nor a wildcard for one")
        check(
            trafficPolicy != DestinationRule.TrafficPolicy(), "trafficPolicy", "it has no field")
        if let maximum = trafficPolicy?.maximumConnections {
            check(maximum > 0, "trafficPolicy.connectionPool.tcp.maxConnections", "\(maximum) is not positive")
        }
        for violation in trafficPolicy?.outlierDetection?.violations ?? [] {
            check(false, "trafficPolicy.outlierDetection.\(violation.field)", violation.reason)
        }
        check(Set(subsets.map(\.name)).count == subsets.count, "subsets", "two have the same name")
        for (index, subset) in subsets.enumerated() {
            check(DNSName.isLabel(subset.name), "subsets[\(index)].name", "'\(subset.name)' is not a DNS-1123 label")
        }
        found += exportViolations(exportTo, of: key)
        return found.sorted { ($0.field, $0.reason) < ($1.field, $1.reason) }
    }

    private static func isHost(_ text: String) -> Bool {
        text == "*" || ServiceEntry.isHost(text.hasPrefix("*.") ? String(text.dropFirst(2)) : text)
    }
}

extension DestinationRule.OutlierDetection {
    /// With fields below `outlierDetection`.
    fileprivate var violations: [Violation] {
        var found: [Violation] = []
        for (field, duration) in [("interval", interval), ("baseEjectionTime", baseEjectionTime)] {
            guard let duration else { continue }
            let isSound = duration >= .milliseconds(1) && duration.components.attoseconds % 1_000_000_000_000_000 == 0
            if !isSound { found.append(Violation(field: field, reason: "it is no whole number of milliseconds")) }
        }
        let percents = [("maxEjectionPercent", maximumEjectionPercent), ("minHealthPercent", minimumHealthPercent)]
        for (field, percent) in percents where !(0...100).contains(percent ?? 0) {
            found.append(Violation(field: field, reason: "it is not between 0 and 100"))
        }
        if !splitsLocalErrors, consecutiveLocalFailures ?? 0 > 0 {
            found.append(
                Violation(
                    field: "consecutiveLocalOriginFailures",
                    reason: "it counts only where splitExternalLocalOriginErrors is true"))
        }
        return found
    }
}
