/// How clients treat a host (`istio.networking.v1alpha3.DestinationRule`), as far as Isthmus writes or judges one.
package struct DestinationRule: Hashable, Sendable {
    package var key: ResourceKey
    package var labels: [String: String]
    package var annotations: [String: String]
    /// A host, or `*.` and a domain, or `*`.
    package var host: String
    package var trafficPolicy: TrafficPolicy?
    package var subsets: [Subset]
    /// Empty leaves the field to others.
    package var exportTo: [String]

    package init(
        key: ResourceKey, labels: [String: String] = [:], annotations: [String: String] = [:], host: String,
        trafficPolicy: TrafficPolicy? = nil, subsets: [Subset] = [], exportTo: [String] = []
    ) {
        self.key = key
        self.labels = labels
        self.annotations = annotations
        self.host = host
        self.trafficPolicy = trafficPolicy
        self.subsets = subsets
        self.exportTo = exportTo
    }
}

extension DestinationRule {
    package struct TrafficPolicy: Hashable, Sendable {
        package var outlierDetection: OutlierDetection?
        /// `loadBalancer.localityLbSetting.enabled`; `nil` is the mesh's default.
        package var usesLocality: Bool?
        /// `connectionPool.tcp.maxConnections`.
        package var maximumConnections: Int32?

        package init(
            outlierDetection: OutlierDetection? = nil, usesLocality: Bool? = nil, maximumConnections: Int32? = nil
        ) {
            self.outlierDetection = outlierDetection
            self.usesLocality = usesLocality
            self.maximumConnections = maximumConnections
        }
    }

    /// When a client stops calling an endpoint for a while. `nil` is istiod's default.
    package struct OutlierDetection: Hashable, Sendable {
        /// 0 turns the check off.
        package var consecutive5xxErrors: UInt32?
        /// 0 turns the check off.
        package var consecutiveGatewayErrors: UInt32?
        /// Whether failed connections are counted apart from bad answers.
        package var splitsLocalErrors: Bool
        package var consecutiveLocalFailures: UInt32?
        package var interval: Duration?
        package var baseEjectionTime: Duration?
        package var maximumEjectionPercent: Int32?
        package var minimumHealthPercent: Int32?

        package init(
            consecutive5xxErrors: UInt32? = nil, consecutiveGatewayErrors: UInt32? = nil,
            splitsLocalErrors: Bool = false, consecutiveLocalFailures: UInt32? = nil, interval: Duration? = nil,
            baseEjectionTime: Duration? = nil, maximumEjectionPercent: Int32? = nil,
            minimumHealthPercent: Int32? = nil
        ) {
            self.consecutive5xxErrors = consecutive5xxErrors
            self.consecutiveGatewayErrors = consecutiveGatewayErrors
            self.splitsLocalErrors = splitsLocalErrors
            self.consecutiveLocalFailures = consecutiveLocalFailures
            self.interval = interval
            self.baseEjectionTime = baseEjectionTime
            self.maximumEjectionPercent = maximumEjectionPercent
            self.minimumHealthPercent = minimumHealthPercent
        }
    }

    /// A part of the endpoints that routes can name.
    package struct Subset: Hashable, Sendable {
        package var name: String
        package var labels: [String: String]

        package init(name: String, labels: [String: String]) {
            self.name = name
            self.labels = labels
        }
    }
}
