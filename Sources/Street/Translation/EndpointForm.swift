internal import IstioAPI

/// Where the endpoints of a service stand. A form stays until the size of the service calls for the other one.
package enum EndpointForm: String, Sendable, Hashable, CaseIterable {
    /// In the ServiceEntry.
    case inline
    /// Each in a WorkloadEntry of its own.
    case workloadEntry
}

extension TranslationPolicy {
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
                return entry.endpoints.count > inlineLimit.endpoints || entry.endpointBytes > inlineLimit.bytes
                    ? .workloadEntry : .inline
            case .workloadEntry:
                return entry.endpoints.count * 2 < inlineLimit.endpoints && entry.endpointBytes * 2 < inlineLimit.bytes
                    ? .inline : .workloadEntry
            }
        }
    }
}
