/// The identity of a service: its name, and the qualifiers that tell services of one name apart.
///
/// The protocol is one of the qualifiers, and always there: a provider of `tri` belongs to another service than one of
/// `dubbo`, since one ServiceEntry has one port. The same name and qualifiers in two registries are one service. A
/// qualifier with its format's default value says nothing, and the format leaves it out.
///
/// An ID is a key of many tables, of a hundred thousand services each. It is one reference to content that all copies
/// share, and the hash of the content is computed once.
package struct ServiceID: Sendable {
    package struct Qualifier: Hashable, Sendable {
        package var key: String
        /// Never empty in an ID.
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The keys of qualifiers that have a meaning outside their format.
    package enum Key {
        package static let group = "group"
        package static let version = "version"
        /// Every service has one: the name of its `PortProtocol`.
        package static let `protocol` = "protocol"
        /// Keeps the services of some registries apart from those of the others.
        package static let scope = "scope"
    }

    private let content: Content

    private init(name: String, sorted qualifiers: [Qualifier]) {
        content = Content(name: name, qualifiers: qualifiers)
    }

    /// `nil` where no qualifier states the protocol.
    /// - Parameter qualifiers: Those with an empty value are left out.
    package init?(name: String, qualifiers: [String: String]) {
        guard qualifiers[Key.protocol]?.isEmpty == false else { return nil }
        let stated = qualifiers.lazy.filter { !$0.value.isEmpty }.map { Qualifier(key: $0.key, value: $0.value) }
        self.init(name: name, sorted: stated.sorted { $0.key.precedesInBytes($1.key) == true })
    }

    /// - Parameters:
    ///   - protocol: The name of its protocol.
    ///   - group: Empty for none.
    ///   - version: Empty for none.
    package init(name: String, protocol: String, group: String = "", version: String = "") {
        var qualifiers: [Qualifier] = []
        if !group.isEmpty { qualifiers.append(Qualifier(key: Key.group, value: group)) }
        qualifiers.append(Qualifier(key: Key.protocol, value: `protocol`))
        if !version.isEmpty { qualifiers.append(Qualifier(key: Key.version, value: version)) }
        self.init(name: name, sorted: qualifiers)
    }

    package init(name: String, protocol: PortProtocol, group: String = "", version: String = "") {
        self.init(name: name, protocol: `protocol`.name, group: group, version: version)
    }

    package var name: String { content.name }

    /// Sorted by key, each key once.
    package var qualifiers: [Qualifier] { content.qualifiers }

    /// Empty for none.
    package var group: String { self[Key.group] ?? "" }

    /// Empty for none.
    package var version: String { self[Key.version] ?? "" }

    /// The name of its protocol.
    package var `protocol`: String { self[Key.protocol] ?? "" }

    /// The value of a qualifier.
    package subscript(key: String) -> String? { content.qualifiers.first { $0.key == key }?.value }

    /// The service of the same name and qualifiers, except for this one.
    /// - Parameter value: Empty for none, which the protocol can't be.
    package func setting(_ key: String, to value: String) -> ServiceID {
        var qualifiers = content.qualifiers.filter { $0.key != key }
        if !value.isEmpty {
            let place = qualifiers.firstIndex { key.precedesInBytes($0.key) == true } ?? qualifiers.endIndex
            qualifiers.insert(Qualifier(key: key, value: value), at: place)
        }
        return ServiceID(name: name, sorted: qualifiers)
    }

    /// Whether the name has just these bytes, as registries tell names apart.
    package func isNamed(_ name: String) -> Bool { content.name.precedesInBytes(name) == nil }

    /// Adds all of the content to a hash, where 64 bits of it are too few.
    func hashContent(into hasher: inout Hasher) { content.hash(into: &hasher) }
}

// MARK: - Content

extension ServiceID {
    private final class Content: Sendable {
        let name: String
        let qualifiers: [Qualifier]
        /// Equal for equal content.
        let digest: Int

        init(name: String, qualifiers: [Qualifier]) {
            self.name = name
            self.qualifiers = qualifiers
            var hasher = Hasher()
            Content.hash(name, qualifiers, into: &hasher)
            digest = hasher.finalize()
        }

        func hash(into hasher: inout Hasher) { Content.hash(name, qualifiers, into: &hasher) }

        private static func hash(_ name: String, _ qualifiers: [Qualifier], into hasher: inout Hasher) {
            name.hashBytes(into: &hasher)
            for qualifier in qualifiers {
                qualifier.key.hashBytes(into: &hasher)
                qualifier.value.hashBytes(into: &hasher)
            }
        }

        /// `nil` for equal content. An absent qualifier sorts before any value of it.
        func precedes(_ other: Content) -> Bool? {
            if let answer = name.precedesInBytes(other.name) { return answer }
            for (left, right) in zip(qualifiers, other.qualifiers) {
                // The one with the smaller key has a qualifier that the other lacks.
                if let isLess = left.key.precedesInBytes(right.key) { return !isLess }
                if let answer = left.value.precedesInBytes(right.value) { return answer }
            }
            let (count, otherCount) = (qualifiers.count, other.qualifiers.count)
            return count == otherCount ? nil : count < otherCount
        }
    }
}

extension ServiceID: Hashable {
    /// By bytes, like the order.
    package static func == (left: ServiceID, right: ServiceID) -> Bool {
        if left.content === right.content { return true }
        return left.content.digest == right.content.digest && left.content.precedes(right.content) == nil
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(content.digest) }
}

extension ServiceID: Comparable {
    /// By bytes. Swift's own order of strings is no order where some are not in a normal form of Unicode: a < b and
    /// b < c, but not a < c. A sorted list would depend on where it began, and going through it page by page could
    /// never end.
    package static func < (left: ServiceID, right: ServiceID) -> Bool {
        left.content.precedes(right.content) ?? false
    }
}

extension String {
    /// `nil` for the same bytes.
    fileprivate func precedesInBytes(_ other: String) -> Bool? {
        var (left, right) = (self, other)
        return left.withUTF8 { left in
            right.withUTF8 { right in
                for (left, right) in zip(left, right) where left != right { return left < right }
                return left.count == right.count ? nil : left.count < right.count
            }
        }
    }

    /// No two lists of texts give a hash the same bytes: none of these bytes is part of UTF-8.
    fileprivate func hashBytes(into hasher: inout Hasher) {
        var text = self
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}
