import ArgumentParser
import Bridge
import Deliveries
import IstioAPI
import JSON
import Logging
import Planning
import Status

/// The options of the commands that reconcile once: plan, apply and export.
struct SurveyOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: ArgumentHelp("The time limit for reading the registries.", valueName: "seconds"))
    var timeout: Int = 30

    @Option(
        help: ArgumentHelp(
            "Carry out the removals of this registry, even if they look like its failure. May be repeated.",
            valueName: "registry"))
    var release: [String] = []

    @Option(help: "human or json.")
    var output: OutputFormat = .human

    enum OutputFormat: String, ExpressibleByArgument {
        case human
        case json
    }

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout takes 1 to 86400 seconds.") }
    }

    /// Reads the registries and the deliveries, calls `body`, and closes the connections.
    func withSurvey(_ body: (Survey) async throws -> Void) async throws {
        let bridge = try configuration.use { $0 }
        for warning in bridge.warnings { warn(warning) }
        let survey: Survey
        do {
            survey = try await Survey.take(
                bridge, within: .seconds(timeout), releasing: release, logger: configuration.logger(.error))
        } catch let error as Survey.Incomplete {
            throw failure(.failed, "\(error)")
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
        // Standard output has the resources or the changes, and nothing else.
        for (registry, note) in survey.notes { warn("registry '\(registry)': not carried: \(note.text)") }
        for (delivery, note) in survey.unseen { warn("cluster '\(delivery)': \(note)") }
        do {
            try await body(survey)
        } catch {
            await survey.end()
            throw error
        }
        await survey.end()
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what would change, as a readable diff.",
        discussion: "Writes nothing. Ends with exit code 2 when there are changes, and with 0 when there are none.")

    @OptionGroup var options: SurveyOptions

    func run() async throws {
        var hasChanges = false
        try await options.withSurvey { survey in
            let printer = ReportPrinter(format: options.output)
            let reports = survey.items.compactMap { item in
                ChangeReport(item.planned, warning: item.warning).map { (item.delivery, $0) }
            }
            printer.print(plan: reports)
            hasChanges = !reports.isEmpty
        }
        if hasChanges { throw ExitCode(ExitReason.changesFound.rawValue) }
    }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Carry out the changes once, then exit.",
        discussion: "Carries out what 'plan' shows. Ends with exit code 1 when a change could not be carried out.")

    @OptionGroup var options: SurveyOptions

    func run() async throws {
        let failures = Counter()
        try await options.withSurvey { survey in
            let printer = ReportPrinter(format: options.output)
            await survey.apply { item, attempt in
                guard let report = ChangeReport(item.planned) else { return }
                if printer.print(applied: report, by: item.delivery, attempt) { return }
                await failures.increment()
            }
            printer.printEnd(of: survey.items.count, failures: await failures.count)
        }
        if await failures.count > 0 { throw ExitCode(ExitReason.failed.rawValue) }
    }
}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the resources as YAML.",
        discussion:
            "With --output json, prints a Kubernetes List. Virtual addresses are those of the cluster or folder."
    )

    @OptionGroup var options: SurveyOptions

    func run() async throws {
        try await options.withSurvey { survey in
            let documents = survey.resources.map { $0.json(version: "v1beta1") }
            switch options.output {
            case .human:
                print(documents.map { "---\n" + $0.yaml }.joined(), terminator: "")
            case .json:
                let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(documents)]
                print(String(decoding: list.bytes, as: UTF8.self))
            }
        }
    }
}

extension ChangeReport {
    fileprivate init?(_ planned: PlannedChange, warning: String? = nil) {
        self.init(planned.key, planned.change, push: planned.push, warning: warning)
    }
}

private actor Counter {
    private(set) var count = 0

    func increment() { count += 1 }
}
