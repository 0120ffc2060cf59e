public import ArgumentParser

/// The bridge that is measured: Isthmus, or any other program that carries what is in ZooKeeper to a cluster.
public struct BridgeProgram: ParsableArguments, Sendable {
    @Argument(help: "The path of isthmus.")
    public var isthmus: String

    @Option(
        help: """
            The command line of another bridge, which is measured in its place. {zookeeper}, {kubeconfig} and {namespace} stand for \
            the address to read from, the file that leads to the cluster, and where to write. There is no shell.
            """)
    public var bridge: String?

    public init() {}

    public func validate() throws {
        if bridge?.allSatisfy(\.isWhitespace) ?? false {
            throw ValidationError("The command line of --bridge is empty.")
        }
    }

    /// The command line, with values in the places of their names.
    func words(with values: [String: String]) -> [String] {
        let words =
            bridge.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) } ?? [
                isthmus, "run", "--config", "{config}",
            ]
        // A program that is named without a folder is one of the search path.
        let finder = words[0].contains("/") ? [] : ["/usr/bin/env"]
        return finder
            + words.map { word in
                values.reduce(word) { $0.replacing("{\($1.key)}", with: $1.value) }
            }
    }

    /// How a report says which bridge it is about.
    public var options: String { bridge.map { " --bridge '\($0)'" } ?? "" }
}
