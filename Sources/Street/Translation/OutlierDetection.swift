package import IstioAPI

/// When clients stop calling an endpoint for a while. A provider that was killed stays registered until its session
/// ends, and refuses connections meanwhile.
package struct OutlierDetection: Sendable, Hashable {
    /// How many connections in a row fail before.
    package var failures: UInt32
    /// How often a client looks.
    package var interval: Duration
    /// How long the endpoint is left alone; longer each time.
    package var ejection: Duration
    /// The largest part of a service's endpoints that is left alone, in percent.
    package var maxPercent: Int32

    package init(
        failures: UInt32 = 2, interval: Duration = .seconds(1), ejection: Duration = .seconds(10),
        maxPercent: Int32 = 50
    ) {
        self.failures = failures
        self.interval = interval
        self.ejection = ejection
        self.maxPercent = maxPercent
    }
}

extension TranslationPolicy {
    /// The rule for all bridged hosts of the namespace; `nil` where none is wanted. It stands as long as the namespace
    /// has services.
    ///
    /// It judges failed connections only: a provider's errors eject nobody. istiod would switch locality failover on
    /// with outlier detection, so that it says no to that.
    package var outlierRule: DestinationRule? {
        guard let outlierDetection, !hosts.domain.isEmpty else { return nil }
        return DestinationRule(
            key: ResourceKey(
                .destinationRule, namespace: namespace, name: DNSName.objectName(ofInstallation: instance)),
            labels: [OwnerMark.managedBy: OwnerMark.manager, OwnerMark.instance: instance],
            host: "*.\(hosts.domain)",
            trafficPolicy: .init(
                outlierDetection: .init(
                    consecutive5xxErrors: 0, consecutiveGatewayErrors: 0, splitsLocalErrors: true,
                    consecutiveLocalFailures: outlierDetection.failures, interval: outlierDetection.interval,
                    baseEjectionTime: outlierDetection.ejection,
                    maximumEjectionPercent: outlierDetection.maxPercent),
                usesLocality: false))
    }
}
