/// A JSON document as a value (RFC 8259), built for Kubernetes resources.
///
/// Object members are sorted by key in byte order, whatever order they were read in. So two values are equal exactly
/// when their canonical bytes are equal. The last one of several members with the same key counts.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

/// The members of a JSON object, sorted by key.
package struct JSONObject: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package var key: String
        package var value: JSONValue
    }

    package private(set) var members: [Member]

    package init() {
        members = []
    }

    package init(_ members: some Sequence<(key: String, value: JSONValue)>) {
        self.init(members.map { $0 })
    }

    package init(_ members: [(key: String, value: JSONValue)]) {
        self.init(unsorted: members.map { Member(key: $0.key, value: $0.value) })
    }

    /// Takes members as they were read: in any order, and with repeated keys.
    init(unsorted: [Member]) {
        var isSorted = true
        for index in unsorted.indices.dropFirst() where !precedes(unsorted[index - 1].key, unsorted[index].key) {
            isSorted = false
            break
        }
        members = unsorted
        if isSorted { return }
        members.removeAll(keepingCapacity: true)
        for member in unsorted { self[member.key] = member.value }
    }

    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    package subscript(key: String) -> JSONValue? {
        get {
            let index = lowerBound(key)
            return index < members.count && members[index].key == key ? members[index].value : nil
        }
        set {
            let index = lowerBound(key)
            let isPresent = index < members.count && members[index].key == key
            switch (newValue, isPresent) {
            case (let value?, true): members[index].value = value
            case (let value?, false): members.insert(Member(key: key, value: value), at: index)
            case (nil, true): members.remove(at: index)
            case (nil, false): break
            }
        }
    }

    private func lowerBound(_ key: String) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if precedes(members[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Byte order, not Unicode's: sorted JSON of other languages has the same order.
private func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}

extension JSONValue {
    /// The member of an object; `nil` for a missing key and for anything that is not an object.
    package subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The members of an object that are strings, as for labels and annotations.
    package var strings: [String: String] {
        var result: [String: String] = [:]
        for member in object?.members ?? [] { result[member.key] = member.value.string }
        return result
    }

    package init(strings: [String: String]) {
        self = .object(JSONObject(strings.map { (key: $0.key, value: .string($0.value)) }))
    }
}

// Not by `nil`: a missing member and a `null` one would look the same to the compiler.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
    }
}
