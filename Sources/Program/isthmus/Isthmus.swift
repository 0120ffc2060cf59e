import ArgumentParser
import Bridge

@main
struct Isthmus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isthmus",
        abstract: "Carries services from registries such as ZooKeeper into the Istio mesh.",
        discussion: """
            Exit codes: 0 success, 1 a registry or a cluster could not be read or a change was not carried out, 2 \
            'plan' found changes, 64 a wrong command line, 78 a configuration that can't be used.
            """,
        version: Version.current,
        subcommands: [
            RunCommand.self, PlanCommand.self, ApplyCommand.self, ExportCommand.self, DetectCommand.self,
            StatusCommand.self, ReleaseCommand.self, DemoCommand.self, ReferenceCommand.self, XDSDumpCommand.self,
        ])

    static func main() async {
        StandardOutput.claim()
        await main(nil)
    }
}

/// The table of configuration keys, as `docs/configuration.md` has it.
struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Print the table of configuration keys, in Markdown.")

    func run() throws {
        try StandardOutput.write(BridgeConfiguration.reference)
    }
}
