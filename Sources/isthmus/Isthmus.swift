import ArgumentParser
import Bridge

@main
struct Isthmus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isthmus",
        abstract: "Carries services from registries such as ZooKeeper into the Istio mesh.",
        discussion: """
            Exit codes: 0 after a graceful stop, 64 for a wrong command line, 78 for a configuration that can't be used.
            """,
        version: Version.current,
        subcommands: [RunCommand.self, DemoCommand.self])
}
