/// Dubbo's service key: `group/interface:version`. A `/`, `:` or `%` within a part is percent-encoded, so that no two services
/// share a text.
extension ServiceID: LosslessStringConvertible {
    package var description: String {
        (group.isEmpty ? "" : Self.encoded(group) + "/") + Self.encoded(name)
            + (version.isEmpty ? "" : ":" + Self.encoded(version))
    }

    package init?(_ text: String) {
        // By scalars: a combining mark behind a separator would hide it among characters.
        let parts = text.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false)
        guard let key = parts.last, parts.count <= 2, let group = parts.count == 2 ? Self.decoded(parts[0]) : ""
        else { return nil }
        let subparts = key.split(separator: ":", omittingEmptySubsequences: false)
        guard subparts.count <= 2, let name = Self.decoded(subparts[0]), !name.isEmpty,
            let version = subparts.count == 2 ? Self.decoded(subparts[1]) : ""
        else { return nil }
        self.init(name: name, group: group, version: version)
    }

    private static func encoded(_ part: String) -> String {
        guard part.unicodeScalars.contains(where: { $0 == "%" || $0 == "/" || $0 == ":" }) else { return part }
        var text = ""
        for scalar in part.unicodeScalars {
            switch scalar {
            case "%": text += "%25"
            case "/": text += "%2F"
            case ":": text += "%3A"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private static func decoded(_ part: Substring.UnicodeScalarView) -> String? {
        var text = ""
        var rest = part
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch String(rest.prefix(2)) {
            case "25": text += "%"
            case "2F": text += "/"
            case "3A": text += ":"
            default: return nil
            }
            rest.removeFirst(2)
        }
        return text
    }
}
