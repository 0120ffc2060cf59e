internal import FoundationEssentials

/// Where a token or a password stands. The secret itself is never part of a configuration.
package enum SecretReference: Sendable, Hashable {
    /// There is none.
    case none
    case file(String)
    case environment(String)

    /// Reads the keys `<name>File` and `<name>Env` of a section.
    /// - Throws: `ConfigurationError` where both are given, or one is empty.
    package init(_ section: ConfigurationSection, _ name: String) throws(ConfigurationError) {
        let file = try section.string("\(name)File")
        let variable = try section.string("\(name)Env")
        if file == "" { throw section.failure("\(name)File", "must name a file") }
        if variable == "" { throw section.failure("\(name)Env", "must name an environment variable") }
        switch (file, variable) {
        case (_?, _?): throw section.failure("\(name)Env", "there is a \(name)File too, and one \(name) only")
        case (let file?, nil): self = .file(file)
        case (nil, let variable?): self = .environment(variable)
        case (nil, nil): self = .none
        }
    }

    /// Whether it stands in an environment variable.
    package var isVariable: Bool {
        if case .environment = self { true } else { false }
    }

    /// The file or the environment variable.
    package var place: String {
        switch self {
        case .none: ""
        case .file(let path): path
        case .environment(let name): name
        }
    }

    /// The secret as it is now. Reading a file blocks the thread.
    /// - Returns: `nil` where there is none: no reference, or an environment variable that is not set.
    /// - Throws: `ConfigurationError` for a file that can't be read.
    package func text() throws(ConfigurationError) -> String? {
        switch self {
        case .none: nil
        case .environment(let name): ProcessInfo.processInfo.environment[name]
        case .file(let path): try ConfigurationFile.text(of: path)
        }
    }
}
