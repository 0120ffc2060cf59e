/// The text of a service, in annotations, in logs and in a service's hash: `<protocol>://[<group>/]<name>[:<version>]`,
/// and `?<key>=<value>&…` behind it for other qualifiers. Each service has one, and no two share one.
///
/// The characters `%`, `/`, `:`, `?`, `&` and `=` within a part are percent-encoded. No protocol is called `v2`, since
/// an earlier form of the text begins like that.
extension ServiceID: LosslessStringConvertible {
    package var description: String {
        let part = PercentCoding.all.encoded
        let others = qualifiers.filter { ![Key.protocol, Key.group, Key.version].contains($0.key) }
        let query = others.map { part($0.key) + "=" + part($0.value) }.joined(separator: "&")
        return part(self.protocol) + "://" + (group.isEmpty ? "" : part(group) + "/") + part(name)
            + (version.isEmpty ? "" : ":" + part(version)) + (query.isEmpty ? "" : "?" + query)
    }

    // By scalars: a combining mark behind a separator would hide the separator among characters.

    package init?(_ text: String) {
        guard let (scheme, rest) = text.unicodeScalars.cut(at: "://"), !scheme.elementsEqual("v2".unicodeScalars),
            let (front, query) = Self.cutQuery(rest), var qualifiers = Self.qualifiers(query, .all),
            let name = Self.readFront(front, .all, &qualifiers), let portProtocol = PercentCoding.all.decoded(scheme)
        else { return nil }
        qualifiers[Key.protocol] = portProtocol
        self.init(name: name, qualifiers: qualifiers)
    }

    /// Reads the text that an earlier release wrote, which didn't state the protocol: `[<group>/]<name>[:<version>]`,
    /// or `v2://<name>?<key>=<value>&…` where there were other qualifiers.
    package init?(earlierText text: String, protocol: String) {
        let name: String?
        var qualifiers: [String: String]
        if let (scheme, rest) = text.unicodeScalars.cut(at: "://") {
            guard scheme.elementsEqual("v2".unicodeScalars), let (front, query) = Self.cutQuery(rest),
                let read = Self.qualifiers(query, .query)
            else { return nil }
            name = PercentCoding.query.decoded(front)
            qualifiers = read
        } else {
            qualifiers = [:]
            name = Self.readFront(text.unicodeScalars[...], .front, &qualifiers)
            if name?.isEmpty == true { return nil }
        }
        guard let name else { return nil }
        qualifiers[Key.protocol] = `protocol`
        self.init(name: name, qualifiers: qualifiers)
    }

    /// Reads `[<group>/]<name>[:<version>]`.
    /// - Returns: The name.
    private static func readFront(
        _ text: Substring.UnicodeScalarView, _ coding: PercentCoding, _ qualifiers: inout [String: String]
    ) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let key = parts.last, parts.count <= 2 else { return nil }
        let subparts = key.split(separator: ":", omittingEmptySubsequences: false)
        guard subparts.count <= 2 else { return nil }
        if parts.count == 2 {
            guard let group = coding.decoded(parts[0]) else { return nil }
            qualifiers[Key.group] = group
        }
        if subparts.count == 2 {
            guard let version = coding.decoded(subparts[1]) else { return nil }
            qualifiers[Key.version] = version
        }
        return coding.decoded(subparts[0])
    }

    private static func cutQuery(
        _ text: Substring.UnicodeScalarView
    ) -> (front: Substring.UnicodeScalarView, query: Substring.UnicodeScalarView?)? {
        let parts = text.split(separator: "?", omittingEmptySubsequences: false)
        return parts.count <= 2 ? (parts[0], parts.count == 2 ? parts[1] : nil) : nil
    }

    /// Reads `<key>=<value>&…`.
    private static func qualifiers(
        _ query: Substring.UnicodeScalarView?, _ coding: PercentCoding
    ) -> [String: String]? {
        var qualifiers: [String: String] = [:]
        for pair in query?.split(separator: "&", omittingEmptySubsequences: false) ?? [] {
            let sides = pair.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let key = coding.decoded(sides[0]), let value = coding.decoded(sides[1]),
                !value.isEmpty, qualifiers.updateValue(value, forKey: key) == nil
            else { return nil }
        }
        return qualifiers
    }
}

extension String.UnicodeScalarView {
    /// The parts before and behind the first such text.
    fileprivate func cut(at separator: String) -> (Substring.UnicodeScalarView, Substring.UnicodeScalarView)? {
        let separator = separator.unicodeScalars
        let start = indices.first { self[$0...].starts(with: separator) }
        return start.map { (self[..<$0], self[$0...].dropFirst(separator.count)) }
    }
}

/// Encodes just those characters that separate parts, and decodes nothing else.
private struct PercentCoding {
    /// Of `[<group>/]<name>[:<version>]`, and of `<name>?<key>=<value>&…`.
    static let front = PercentCoding(codes: ["%": "25", "/": "2F", ":": "3A"])
    static let query = PercentCoding(codes: ["%": "25", "?": "3F", "&": "26", "=": "3D"])
    static let all = PercentCoding(codes: front.codes.merging(query.codes) { first, _ in first })

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
