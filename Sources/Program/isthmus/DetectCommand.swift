import ArgumentParser
import Bridge
import IstioAPI
import JSON
import Logging
import Services
import Settings
import Sources
import Text
import Translation

struct DetectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Look at a registry and name the conventions that it holds.",
        usage: """
            isthmus detect zookeeper://HOST:PORT[/PATH]
            isthmus detect etcd://HOST:PORT[/PREFIX]
            """,
        discussion: """
            Reads only, and ten thousand keys at most. Prints what each convention would be in a configuration, and one \
            of its services as a ServiceEntry. Ends with exit code 1 where nothing is found.

            Example: isthmus detect etcd://10.0.0.5:2379
            """)

    @Argument(help: ArgumentHelp("Where the registry is.", valueName: "url"))
    var url: String

    @OptionGroup var log: LogOptions

    func run() async throws {
        let kinds = Kinds.standard.registries.compactMap { $0 as? any DetectingKind }
        guard let kind = kinds.first(where: { url.hasPrefix($0.urlScheme + "://") }) else {
            let known = kinds.map { "\($0.urlScheme)://" }.joined(separator: " or ")
            throw failure(.wrongCommandLine, "the URL begins with none of \(known)")
        }
        let found: DetectedConventions
        do {
            found = try await kind.detect(url: url, logger: log.logger(.error))
        } catch let error as ReadFailure {
            throw failure(.failed, "the registry could not be read: \(error.reason)")
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
        let part = found.hasMore ? "the first \(found.keys) keys" : "\(found.keys) keys"
        if found.conventions.isEmpty { throw failure(.failed, "\(part) follow no convention that is known") }
        for convention in found.conventions { try print(convention, of: kind) }
        try StandardOutput.writeLine("# Looked at \(part).")
    }

    /// YAML, so that a part of it can be copied.
    private func print(_ convention: DetectedConvention, of kind: any DetectingKind) throws {
        let policy = TranslationPolicy(namespace: "default", formats: Kinds.standard.formats)
        var assignments = Assignments()
        var example = convention.example
        example.registries = [String(kind.urlScheme)]
        let entry = Translator(policy: policy).translate(example, &assignments, now: .zero).resource
        var lines = [
            "# \(convention.name): services \(convention.services), instances \(convention.instances), such as"
        ]
        lines += convention.samples.map { "#   \($0.printable)" }
        lines += ["registries:", "  - name: \(kind.urlScheme)", "    \(kind.key.name):"]
        lines += convention.configuration.map { "      \($0)" }
        try StandardOutput.writeLine(lines.joined(separator: "\n"))
        if let entry {
            try StandardOutput.write("---\n" + Resource.serviceEntry(entry).json(version: "v1beta1").yaml + "---\n")
        }
    }
}
