/// Where an instance runs, from the largest part to the smallest. An unknown part is empty.
package struct Locality: Hashable, Sendable {
    package var region: String
    package var zone: String
    package var subzone: String

    package static let unknown = Locality()

    package init(region: String = "", zone: String = "", subzone: String = "") {
        self.region = region
        self.zone = zone
        self.subzone = subzone
    }

    /// The locality that the attributes `region` and `zone` give, which is the usual one.
    package init(attributes: [Instance.Attribute]) {
        func value(_ key: String) -> String { attributes.first { $0.key == key }?.value ?? "" }
        self.init(region: value("region"), zone: value("zone"))
    }
}

extension Locality: Comparable {
    package static func < (left: Locality, right: Locality) -> Bool {
        (left.region, left.zone, left.subzone) < (right.region, right.zone, right.subzone)
    }
}
