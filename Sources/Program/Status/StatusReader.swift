internal import JSON

/// A status that can't be read: where, and what is wrong there.
package struct StatusError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Such as `registries[0].health`.
    package var place: String
    package var message: String

    package var description: String { place.isEmpty ? message : "'\(place)' \(message)" }
}

/// Reads a JSON object member by member; errors name the member.
struct StatusReader {
    private let object: JSONObject
    /// Such as `registries[0]`; empty for the whole.
    private let path: String

    init(_ value: JSONValue, path: String = "") throws(StatusError) {
        guard let object = value.object else { throw StatusError(place: path, message: "must be an object") }
        self.object = object
        self.path = path
    }

    func string(_ key: String) throws(StatusError) -> String {
        guard let text = object[key]?.string else { throw failure(key, "must be text") }
        return text
    }

    func bool(_ key: String) throws(StatusError) -> Bool {
        guard let value = object[key]?.bool else { throw failure(key, "must be true or false") }
        return value
    }

    func integer(_ key: String) throws(StatusError) -> Int {
        guard let value = object[key]?.integer else { throw failure(key, "must be a whole number") }
        return Int(value)
    }

    func duration(_ key: String) throws(StatusError) -> Duration {
        guard let value = object[key].flatMap(Duration.init(json:)) else {
            throw failure(key, "must be a number of seconds")
        }
        return value
    }

    func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String) throws(StatusError) -> Word {
        let text = try string(key)
        guard let word = Word(rawValue: text) else {
            throw unknown(key, text, known: Word.allCases.map(\.rawValue))
        }
        return word
    }

    func strings(_ key: String) throws(StatusError) -> [String] {
        guard let elements = object[key]?.array else { throw failure(key, "must be a list") }
        let texts = elements.compactMap(\.string)
        guard texts.count == elements.count else { throw failure(key, "must be a list of texts") }
        return texts
    }

    func list<Element>(
        _ key: String, _ read: (StatusReader) throws(StatusError) -> Element
    ) throws(StatusError) -> [Element] {
        guard let elements = object[key]?.array else { throw failure(key, "must be a list") }
        var result: [Element] = []
        for (index, element) in elements.enumerated() {
            result.append(try read(try StatusReader(element, path: "\(full(key))[\(index)]")))
        }
        return result
    }

    /// The member that is an object; `nil` when there is none.
    func object(_ key: String) throws(StatusError) -> StatusReader? {
        guard let member = object[key] else { return nil }
        return try StatusReader(member, path: full(key))
    }

    /// `nil` where the member is missing.
    func optional<Value>(
        _ key: String, _ read: (StatusReader) -> (String) throws(StatusError) -> Value
    ) throws(StatusError) -> Value? {
        object[key] == nil ? nil : try read(self)(key)
    }

    func failure(_ key: String, _ message: String) -> StatusError {
        StatusError(place: full(key), message: message)
    }

    /// Replicas and commands need not be of one version.
    func unknown(_ key: String, _ word: String, known: [String]) -> StatusError {
        failure(key, "is '\(word)', and this version knows only \(known.joined(separator: ", "))")
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension Duration {
    /// Seconds, to the millisecond.
    var json: JSONValue { .double((self / .milliseconds(1)).rounded() / 1_000) }

    init?(json: JSONValue) {
        let seconds: Double
        switch json {
        case .integer(let value): seconds = Double(value)
        case .double(let value): seconds = value
        default: return nil
        }
        // A duration that is too long for the type traps.
        guard abs(seconds) < 1e10 else { return nil }
        self = .milliseconds((seconds * 1_000).rounded())
    }
}
