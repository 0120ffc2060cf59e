import Foundation
import IsthmusTesting
import JSON

/// What was recorded from a real istiod; `Tests/Fixtures/istiod/README.md` says how.
enum Recording {
    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: ServerTools.fixture("istiod/\(name)")))))
    }

    static func lines(_ name: String) throws -> [String] {
        try String(contentsOfFile: ServerTools.fixture("istiod/\(name)"), encoding: .utf8).split(separator: "\n")
            .map(String.init)
    }
}
