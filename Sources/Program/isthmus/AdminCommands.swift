import ArgumentParser
import Bridge
import Foundation
import NIOHTTP1
import Settings
import Status
import Text

/// The bridge that a command talks to.
struct AdminOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration of the bridge.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Where the bridge answers; a port alone is one of this machine.", valueName: "host:port"))
    var admin: String?

    func validate() throws {
        guard (config == nil) != (admin == nil) else { throw ValidationError("Give either --config or --admin.") }
    }

    /// A configuration that can't be used ends the program with exit code 78.
    func endpoint() throws -> BridgeConfiguration.Admin {
        do throws(ConfigurationError) {
            guard let config else { return try BridgeConfiguration.Admin(flag: admin ?? "") }
            if let admin = try BridgeConfiguration.admin(file: config) { return admin }
            throw ConfigurationError(
                place: config, message: "without 'admin' the bridge has no admin endpoint; add admin: {}")
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
    }

    /// The command that ends the hold of a registry, with the same flags.
    func releaseCommand(_ registry: String) -> String {
        let flags = config.map { "--config \($0)" } ?? admin.map { "--admin \($0)" } ?? ""
        return "isthmus release \(registry) \(flags)"
    }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the state of a running bridge.",
        usage: """
            isthmus status --config isthmus.yaml [--output json]
            isthmus status --admin HOST:PORT [--output json]
            """,
        discussion: """
            Example: isthmus status --admin 8080

            Ends with exit code 0 whenever the bridge answers, however it is, and with 1 when it doesn't; for probes \
            there is /readyz.
            """)

    @OptionGroup var options: AdminOptions

    @Option(help: "human or json.")
    var output: ReconcileOptions.OutputFormat = .human

    func run() async throws {
        let admin = try options.endpoint()
        let document = try await AdminClient(admin: admin).send(.GET, "/status")
        switch output {
        case .json:
            try StandardOutput.write(String(decoding: document, as: UTF8.self))
        case .human:
            let status: BridgeStatus
            do throws(StatusError) {
                status = try BridgeStatus(decoding: document)
            } catch {
                throw failure(.failed, "the status of the bridge at \(admin.address) can't be read: \(error)")
            }
            try StandardOutput.write(status.text(release: options.releaseCommand))
        }
    }
}

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let go what is held or left over of a registry: its removals are carried out.",
        usage: """
            isthmus release NAME --config isthmus.yaml [--service SERVICE]
                            [--token-file FILE]
            isthmus release NAME --admin HOST:PORT [--service SERVICE]
                            [--token-file FILE]
            """,
        discussion: """
            Example: isthmus release zk-main --config isthmus.yaml

            Removals that look like a failure of a registry are held, and what nobody can say is left over; 'isthmus \
            status' shows both. This command says that the removals are meant. What is left over of a service whose \
            list can't be read, or of a registry that can't be reached, goes only with --service.
            """)

    @Argument(help: ArgumentHelp("The registry.", valueName: "name"))
    var registry: String

    @Option(help: ArgumentHelp("Only this service, by its name or as the status names it.", valueName: "name"))
    var service: String?

    @OptionGroup var options: AdminOptions

    @Option(
        help: ArgumentHelp(
            "The token. Default: $\(BridgeConfiguration.Admin.tokenVariable), else what the configuration names.",
            valueName: "file"))
    var tokenFile: String?

    func run() async throws {
        let admin = try options.endpoint()
        let path = "/release/\(registry.percentEncoded)" + (service.map { "?service=\($0.percentEncoded)" } ?? "")
        let document = try await AdminClient(admin: admin).send(.POST, path, token: try await token(admin))
        let released: Released
        do throws(StatusError) {
            released = try Released(decoding: document)
        } catch {
            throw failure(.failed, "what the bridge at \(admin.address) answered can't be read: \(error)")
        }
        try StandardOutput.write(released.text)
    }

    private func token(_ admin: BridgeConfiguration.Admin) async throws -> String {
        let variable = BridgeConfiguration.Admin.tokenVariable
        let source: SecretReference =
            if let tokenFile {
                .file(tokenFile)
            } else if ProcessInfo.processInfo.environment[variable] != nil {
                .environment(variable)
            } else {
                admin.token
            }
        do {
            if let token = try await source.token() { return token }
            throw ConfigurationError(
                place: "--token-file",
                message: "a token is needed: from this file, from $\(variable), or from the configuration")
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
    }
}
