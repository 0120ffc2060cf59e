internal import IstioAPI

/// Where the endpoints of a service stand. A form stays until the size of the service calls for the other one.
package enum EndpointForm: String, Sendable, Hashable, CaseIterable {
    /// In the ServiceEntry.
    case inline
    /// Each in a WorkloadEntry of its own.
    case workloadEntry
}

extension TranslationPolicy {
    /// In ambient an address of a ServiceEntry is one endpoint, so that of two instances at one address one would be
    /// lost. A WorkloadEntry is an endpoint of its own.
    /// - Parameters:
    ///   - entry: The service with its endpoints inline.
    ///   - form: The form that it has.
    func form(of entry: ServiceEntry, after form: EndpointForm) -> EndpointForm {
        switch endpoints {
        case .inline: return .inline
        case .workloadEntry: return .workloadEntry
        case .auto:
            // A service without instances may get all of them back.
            if entry.endpoints.isEmpty { return form }
            switch form {
            case .inline:
                let isLarge =
                    entry.endpoints.count > inlineLimit.endpoints || entry.endpointBytes > inlineLimit.bytes
                return isLarge || mesh == .ambient && entry.sharesAddresses ? .workloadEntry : .inline
            case .workloadEntry:
                // Instances that shared an address once will do so again: a service moves once only.
                if mesh == .ambient { return .workloadEntry }
                return entry.endpoints.count * 2 < inlineLimit.endpoints && entry.endpointBytes * 2 < inlineLimit.bytes
                    ? .inline : .workloadEntry
            }
        }
    }
}

extension ServiceEntry {
    /// Whether two endpoints have one address.
    fileprivate var sharesAddresses: Bool {
        var addresses: Set<String> = []
        return endpoints.contains { !addresses.insert($0.address).inserted }
    }
}
