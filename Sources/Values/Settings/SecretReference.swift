internal import FoundationEssentials

/// The place of a token or a password. A configuration never has the secret itself.
package enum SecretReference: Sendable, Hashable {
    /// No secret is configured.
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
        case (_?, _?): throw section.failure("\(name)Env", "\(name)File is set too; set one of them")
        case (let file?, nil): self = .file(file)
        case (nil, let variable?): self = .environment(variable)
        case (nil, nil): self = .none
        }
    }

    /// Whether the place is an environment variable.
    package var isVariable: Bool {
        if case .environment = self { true } else { false }
    }

    /// The name of the file or of the environment variable.
    package var place: String {
        switch self {
        case .none: ""
        case .file(let path): path
        case .environment(let name): name
        }
    }

    /// Reads the secret. A file blocks the thread.
    /// - Returns: `nil` where no secret is configured, or the environment variable is not set.
    /// - Throws: `ConfigurationError` for a file that can't be read.
    package func text() throws(ConfigurationError) -> String? {
        switch self {
        case .none: nil
        case .environment(let name): ProcessInfo.processInfo.environment[name]
        case .file(let path): try ConfigurationFile.text(of: path)
        }
    }
}
