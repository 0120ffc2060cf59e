/// The text of a service, in annotations, in logs and in a service's hash. Each service has one, and no two share one.
///
/// There are two forms. A service with no qualifiers but group and version has the first, `group/name:version`, in
/// which `%`, `/` and `:` within a part are percent-encoded. Every other service has the second,
/// `v2://name?key=value&key=value`, in which `%`, `?`, `&` and `=` are. Two slashes stand in no text of the first form.
/// A later form will begin with another number. A service that an earlier release wrote keeps its text, so that an
/// upgrade writes nothing.
extension ServiceID: LosslessStringConvertible {
    private static let secondForm = "v2://"

    package var description: String {
        let isShort = !name.isEmpty && qualifiers.allSatisfy { $0.key == Key.group || $0.key == Key.version }
        return isShort ? shortText : longText
    }

    private var shortText: String {
        let coding = PercentCoding.short
        return (group.isEmpty ? "" : coding.encoded(group) + "/") + coding.encoded(name)
            + (version.isEmpty ? "" : ":" + coding.encoded(version))
    }

    private var longText: String {
        let coding = PercentCoding.long
        let query = qualifiers.map { coding.encoded($0.key) + "=" + coding.encoded($0.value) }.joined(separator: "&")
        return Self.secondForm + coding.encoded(name) + (query.isEmpty ? "" : "?" + query)
    }

    package init?(_ text: String) {
        let isLong = text.utf8.starts(with: Self.secondForm.utf8)
        let id =
            isLong
            ? Self.parse(long: text.unicodeScalars.dropFirst(Self.secondForm.utf8.count))
            : Self.parse(short: text.unicodeScalars[...])
        guard let id else { return nil }
        self = id
    }

    // By scalars: a combining mark behind a separator would hide the separator among characters.

    private static func parse(short text: Substring.UnicodeScalarView) -> ServiceID? {
        let coding = PercentCoding.short
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let key = parts.last, parts.count <= 2, let group = parts.count == 2 ? coding.decoded(parts[0]) : ""
        else { return nil }
        let subparts = key.split(separator: ":", omittingEmptySubsequences: false)
        guard subparts.count <= 2, let name = coding.decoded(subparts[0]), !name.isEmpty,
            let version = subparts.count == 2 ? coding.decoded(subparts[1]) : ""
        else { return nil }
        return ServiceID(name: name, group: group, version: version)
    }

    private static func parse(long text: Substring.UnicodeScalarView) -> ServiceID? {
        let coding = PercentCoding.long
        let parts = text.split(separator: "?", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = coding.decoded(parts[0]) else { return nil }
        var qualifiers: [String: String] = [:]
        for pair in parts.count == 2 ? parts[1].split(separator: "&", omittingEmptySubsequences: false) : [] {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let key = coding.decoded(sides[0]), let value = coding.decoded(sides[1]),
                !value.isEmpty, qualifiers.updateValue(value, forKey: key) == nil
            else { return nil }
        }
        return ServiceID(name: name, qualifiers: qualifiers)
    }
}

/// Encodes just those characters that separate parts, and decodes nothing else.
private struct PercentCoding {
    static let short = PercentCoding(codes: ["%": "25", "/": "2F", ":": "3A"])
    static let long = PercentCoding(codes: ["%": "25", "?": "3F", "&": "26", "=": "3D"])

    let codes: [Unicode.Scalar: String]

    func encoded(_ part: String) -> String {
        guard part.unicodeScalars.contains(where: { codes[$0] != nil }) else { return part }
        var text = ""
        for scalar in part.unicodeScalars {
            if let code = codes[scalar] { text += "%" + code } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }

    func decoded(_ part: Substring.UnicodeScalarView) -> String? {
        var text = ""
        var rest = part
        while let scalar = rest.popFirst() {
            if scalar == "%" {
                let code = String(rest.prefix(2))
                guard let decoded = codes.first(where: { $0.value == code })?.key else { return nil }
                text.unicodeScalars.append(decoded)
                rest.removeFirst(2)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
