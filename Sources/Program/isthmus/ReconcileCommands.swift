import ArgumentParser
import Bridge
import Deliveries
import IstioAPI
import JSON
import Logging
import Planning
import Status

/// The options of the commands that reconcile once: plan, apply and export.
struct ReconcileOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    // A negative number must not be taken for another flag.
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long each cluster may take to say what it holds, and then how long the registries may take.",
            valueName: "seconds"))
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
    func withReconcile(_ body: (OneShotReconcile) async throws -> Void) async throws {
        let bridge = try configuration.use { $0 }
        for warning in bridge.warnings { warn(warning) }
        let reconcile: OneShotReconcile
        do {
            reconcile = try await OneShotReconcile.take(
                bridge, within: .seconds(timeout), releasing: release, logger: configuration.log.logger(.error))
        } catch let error as OneShotReconcile.Incomplete {
            throw failure(.failed, "\(error)")
        } catch let error as OneShotReconcile.UnknownRegistry {
            throw failure(.wrongCommandLine, "\(error)")
        } catch {
            throw failure(.unusableConfiguration, "\(error)")
        }
        for warning in reconcile.warnings { warn(warning) }
        do {
            try await body(reconcile)
        } catch {
            await reconcile.end()
            throw error
        }
        await reconcile.end()
    }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what would change, as a readable diff.",
        usage: """
            isthmus plan --config isthmus.yaml [--output json]
            isthmus plan --registry zookeeper://HOST:PORT[/dubbo-root]
                         [--kubeconfig FILE] [--namespace NS]
            """,
        discussion: """
            Writes nothing. Ends with exit code 2 when there are changes, and with 0 when there are none; with 3 when a \
            registry could not be read: what it may announce is left alone. What is not carried into the mesh is no \
            change; it is named all the same.

            Example: isthmus plan --registry zookeeper://10.0.0.5:2181/dubbo --namespace dubbo
            """)

    @OptionGroup var options: ReconcileOptions

    func run() async throws {
        var reason: ExitReason?
        try await options.withReconcile { reconcile in
            let reports = reconcile.items.compactMap { item in
                ChangeReport(item.planned, warning: item.warning).map { (item.delivery, $0) }
            }
            try ReportPrinter(format: options.output).print(
                plan: reports, leftOut: reconcile.leftOut, unread: reconcile.unread, leftAlone: reconcile.leftAlone)
            reason = !reconcile.unread.isEmpty ? .partial : reports.isEmpty ? nil : .changesFound
        }
        if let reason { throw ExitCode(reason.rawValue) }
    }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Carry out the changes once, then exit.",
        usage: """
            isthmus apply --config isthmus.yaml [--output json]
            isthmus apply --registry zookeeper://HOST:PORT[/dubbo-root]
                          [--kubeconfig FILE] [--namespace NS]
            """,
        discussion: """
            Carries out what 'plan' shows. Ends with exit code 1 when a change could not be carried out; with 3 when a \
            registry could not be read: what it may announce is left alone.

            Example: isthmus apply --registry zookeeper://10.0.0.5:2181/dubbo --namespace dubbo
            """)

    @OptionGroup var options: ReconcileOptions

    func run() async throws {
        let printer = ApplyPrinter(ReportPrinter(format: options.output))
        var isPartial = false
        try await options.withReconcile { reconcile in
            // The changes alone are printed, as what became of them.
            for item in reconcile.leftOut { warn("not carried: \(item)") }
            await reconcile.apply { item, attempt in
                guard let report = ChangeReport(item.planned) else { return }
                await printer.print(report, by: item.delivery, attempt)
            }
            try await printer.end(unread: reconcile.unread, leftAlone: reconcile.leftAlone)
            isPartial = !reconcile.unread.isEmpty
        }
        if await printer.failures > 0 { throw ExitCode(ExitReason.failed.rawValue) }
        if isPartial { throw ExitCode(ExitReason.partial.rawValue) }
    }
}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print the resources as YAML.",
        usage: """
            isthmus export --config isthmus.yaml [--output json]
            isthmus export --registry zookeeper://HOST:PORT[/dubbo-root]
                           [--kubeconfig FILE] [--namespace NS]
            """,
        discussion: """
            With --output json, prints a Kubernetes List. Virtual addresses are those of the cluster or folder.

            Example: isthmus export --config isthmus.yaml | kubectl apply --server-side -f -

            Without --server-side kubectl keeps a copy of each object in an annotation, which is too long for a service \
            with some thousands of endpoints.
            """)

    /// The annotations of an object have 256 KiB, and need some for themselves.
    private static let kubectlLimit = 255 << 10

    @OptionGroup var options: ReconcileOptions

    @Flag(help: "Print the services of the registries that can be read, where others can't.")
    var partial = false

    func run() async throws {
        try await options.withReconcile { reconcile in
            // Standard output has the resources, and nothing else.
            for item in reconcile.leftOut { warn("not carried: \(item)") }
            for unread in reconcile.unread {
                let problem = "registry '\(unread.registry)' could not be read: \(unread.reason)"
                if partial {
                    warn("\(problem); services and endpoints that only it announces are missing")
                } else {
                    throw failure(.failed, "\(problem). With --partial, the services of the others are printed")
                }
            }
            let documents = reconcile.resources.map { $0.json(version: "v1beta1") }
            if let large = documents.first(where: { $0.bytes.count > Self.kubectlLimit }) {
                warn(
                    "\(large["metadata"]?["name"]?.string ?? "") is too large for a plain kubectl apply, which keeps a copy of "
                        + "it in an annotation: use kubectl apply --server-side")
            }
            switch options.output {
            case .human:
                try StandardOutput.write(documents.map { "---\n" + $0.yaml }.joined())
            case .json:
                let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(documents)]
                try StandardOutput.writeLine(String(decoding: list.bytes, as: UTF8.self))
            }
        }
    }
}

extension ChangeReport {
    fileprivate init?(_ planned: PlannedChange, warning: String? = nil) {
        self.init(planned.key, planned.change, push: planned.push, warning: warning)
    }
}
