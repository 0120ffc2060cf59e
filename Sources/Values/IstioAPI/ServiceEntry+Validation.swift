internal import Addressing

extension ServiceEntry {
    /// The limit of the CRD since Istio 1.23.
    package static let maximumEndpoints = 4096

    /// What istiod or the CRD would refuse: `ValidateServiceEntry` of `istio/pkg/config/validation`, the limits and CEL
    /// rules of the CRD, as far as they concern fields that Isthmus writes. A resource with violations is never sent.
    package var violations: [Violation] {
        var found = metadataViolations(key, labels, annotations)
        func check(_ holds: Bool, _ field: @autoclosure () -> String, _ reason: @autoclosure () -> String) {
            if !holds { found.append(Violation(field: field(), reason: reason())) }
        }
        checkHosts(check)
        for (index, address) in addresses.enumerated() {
            check(
                IPAddress(address) != nil || CIDRBlock(address) != nil, "spec.addresses[\(index)]",
                "'\(address)' is neither an IP address nor a CIDR")
            check(
                resolution != .dns || CIDRBlock(address) == nil, "spec.addresses[\(index)]",
                "resolution DNS allows no CIDR")
        }
        checkPorts(check)
        checkEndpoints(check)
        found += exportViolations(exportTo, of: key)
        return found.sorted { ($0.field, $0.reason) < ($1.field, $1.reason) }
    }

    private typealias Check = (Bool, @autoclosure () -> String, @autoclosure () -> String) -> Void

    private func checkHosts(_ check: Check) {
        check((1...256).contains(hosts.count), "spec.hosts", "1 to 256 are allowed")
        for (index, host) in hosts.enumerated() {
            check(Self.isHost(host), "spec.hosts[\(index)]", "'\(host)' is not a host name")
        }
        let tellsHostsApart = ports.allSatisfy { port in
            IstioProtocol(anyCase: port.protocol).map { $0.isHTTP || $0.isTLS } ?? false
        }
        check(
            hosts.count <= 1 || tellsHostsApart || resolution == .none, "spec.hosts",
            "a port that is neither HTTP nor TLS allows one host only")
    }

    /// The last label of a host is no number, so that nobody takes it for an address.
    static func isHost(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let endsInNumber = labels.last?.allSatisfy(\.isNumber) ?? true
        return text.utf8.count <= 255 && !endsInNumber && labels.allSatisfy { DNSName.isLabel($0) }
    }

    private func checkPorts(_ check: Check) {
        check((1...256).contains(ports.count), "spec.ports", "1 to 256 are allowed")
        check(Set(ports.map(\.name)).count == ports.count, "spec.ports", "two have the same name")
        check(Set(ports.map(\.number)).count == ports.count, "spec.ports", "two have the same number")
        for (index, port) in ports.enumerated() {
            let field = "spec.ports[\(index)]"
            check(port.number > 0, field + ".number", "0 is not a port")
            // A key of `endpoints[].ports` must be shorter than 63 (CEL).
            check(DNSName.isLabel(port.name) && port.name.utf8.count < 63, field + ".name", "'\(port.name)' can't be")
            check(
                IstioProtocol(anyCase: port.protocol) != nil, field + ".protocol",
                "istiod does not know '\(port.protocol)'")
        }
    }

    private func checkEndpoints(_ check: Check) {
        if isInline { checkSize(check) }
        check(resolution != .none || endpoints.isEmpty, "spec.endpoints", "resolution NONE allows none")
        let names = Set(ports.map(\.name))
        // Most have all but their address in common with another one.
        var good: Endpoint?
        for (index, endpoint) in endpoints.enumerated() {
            if let good, endpoint.differsInAddress(from: good), IPAddress(endpoint.address) != nil { continue }
            let field = "spec.endpoints[\(index)]"
            let violations = endpoint.violations(at: field, allowsHostName: resolution == .dns)
            for violation in violations { check(false, violation.field, violation.reason) }
            let unknown = endpoint.ports.filter { !names.contains($0.key) }
            for (name, port) in unknown {
                check(false, field + ".ports", "'\(name)': \(port) is no port of the service")
            }
            if violations.isEmpty, unknown.isEmpty { good = endpoint }
        }
        let weights = endpoints.reduce(UInt64(0)) { $0 + UInt64($1.weight ?? 1) }
        check(weights <= UInt64(UInt32.max), "spec.endpoints", "the weights add up to more than Envoy takes")
    }

    private func checkSize(_ check: Check) {
        check(
            endpoints.count <= Self.maximumEndpoints, "spec.endpoints",
            "there are \(endpoints.count), and one resource can carry \(Self.maximumEndpoints); split the service by group or "
                + "version")
        let bytes = endpointBytes
        check(
            bytes <= Self.maximumEndpointBytes, "spec.endpoints",
            "they have \(bytes) bytes, and one resource can carry \(Self.maximumEndpointBytes); split the service by group or "
                + "version, or keep fewer labels")
    }
}

extension ServiceEntry.Endpoint {
    /// In nothing else but weight, that is. What is shared is known to be equal without a look at it.
    fileprivate func differsInAddress(from other: Self) -> Bool {
        labels == other.labels && ports == other.ports && locality == other.locality
    }

    /// - Parameter allowsHostName: Whether the address may be a name that is resolved.
    func violations(at field: String, allowsHostName: Bool) -> [Violation] {
        var found: [Violation] = []
        func check(_ holds: Bool, _ member: String, _ reason: @autoclosure () -> String) {
            if !holds { found.append(Violation(field: "\(field).\(member)", reason: reason())) }
        }
        check(
            IPAddress(address) != nil || allowsHostName && ServiceEntry.isHost(address), "address",
            "'\(address)' is not an IP address" + (allowsHostName ? " or host name" : ""))
        for (name, port) in ports {
            check(DNSName.isLabel(name) && name.utf8.count < 63, "ports", "'\(name)' can't be the name of a port")
            check(port > 0, "ports", "'\(name)': 0 is not a port")
        }
        for (label, value) in labels {
            check(DNSName.isLabelKey(label), "labels", "'\(label)' is not a label key")
            check(DNSName.isLabelValue(value), "labels[\(label)]", "'\(value)' is not a label value")
        }
        check(labels.count <= 256, "labels", "there are more than 256")
        check(locality.utf8.count <= 2048, "locality", "it is longer than 2,048 bytes")
        return found
    }
}
