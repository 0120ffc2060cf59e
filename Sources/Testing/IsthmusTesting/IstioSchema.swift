/// Istio's definitions of `ServiceEntry` and `WorkloadEntry`, with the CEL rules that old API servers don't know.
public enum IstioSchema {
    /// The objections of a current API server to these resources, one line each; empty when it would accept them all.
    /// A field that no schema knows counts, since the server would drop it in silence.
    ///
    /// - Parameter resources: YAML documents, JSON, or a Kubernetes `List`, as `kubectl get -o yaml` prints it.
    /// - Throws: ``TestSupportError`` when a tool is missing or the resources can't be read.
    public static func violations(in resources: String) async throws -> [String] {
        let tools = try ServerTools.locate()
        let checker = ServerTools.fixture("check_resources.py")
        let output = try await ChildProcess.run(tools.python, [checker], input: resources)
        // A checker that breaks ends with 1 as well, but then it has printed no violation.
        let violations = output.standardOutput.split(separator: "\n").map(String.init)
        guard output.status == .code(violations.isEmpty ? 0 : 1) else {
            throw TestSupportError("the resources could not be checked:\n\(output.standardError)")
        }
        return violations
    }
}
