package import Services

extension FormatDefaults {
    /// The defaults of instances that a framework registers by application, one registry's or another's.
    /// - Parameters:
    ///   - weight: The weight of an instance to which nobody gave one.
    ///   - labels: The registry's own attributes that are worth a label.
    package static func applications(weight: UInt32, labels: [String] = []) -> FormatDefaults {
        FormatDefaults(protocols: [], weight: weight, labels: ["version", "region", "zone"] + labels)
    }
}
