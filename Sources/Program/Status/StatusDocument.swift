package import FoundationEssentials

/// A value that the admin endpoint sends as one JSON document.
package protocol StatusDocument: Codable, Sendable {}

extension StatusDocument {
    /// The document in JSON, with its keys in order. Times are in ISO 8601, durations are seconds.
    package func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(self)
    }

    /// Reads a document of this or another version. Unknown members are ignored.
    /// - Throws: `StatusError`, which names the first member that can't be read.
    package init(decoding document: Data) throws(StatusError) {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if let date = try? Date(text, strategy: .iso8601) { return date }
            throw decoder.refusal("must be a time such as 2026-01-31T12:00:00Z, and is '\(text)'")
        }
        do {
            self = try decoder.decode(Self.self, from: document)
        } catch {
            throw StatusError(error)
        }
    }
}

extension Decoder {
    /// An error about the value at the decoder's place.
    func refusal(_ message: String) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath, debugDescription: message))
    }
}

/// A word of a fixed list. Replicas and commands need not be of one version, so an unknown word says what is known.
protocol StatusWord: RawRepresentable<String>, CaseIterable, Codable {}

extension StatusWord {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let word = Self(rawValue: text) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw decoder.refusal("is '\(text)', and this version knows only \(known)")
        }
        self = word
    }
}

/// A duration in a document: a number of seconds, to the millisecond.
struct Seconds: Codable {
    var duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init(from decoder: any Decoder) throws {
        // A duration that is too long for the type traps.
        guard let seconds = try? decoder.singleValueContainer().decode(Double.self), abs(seconds) < 1e10 else {
            throw decoder.refusal("must be a number of seconds")
        }
        duration = .milliseconds((seconds * 1_000).rounded())
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode((duration / .milliseconds(1)).rounded() / 1_000)
    }
}
