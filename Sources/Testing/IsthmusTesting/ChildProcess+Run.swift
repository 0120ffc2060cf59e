internal import Foundation

/// The output and exit status of a command that has ended.
public struct CommandOutput: Sendable {
    public let status: ExitStatus
    public let standardOutput: String
    public let standardError: String
}

extension ChildProcess {
    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - input: what the command reads on its standard input.
    ///   - limit: after this time the command is killed, and ``CommandOutput/status`` says so.
    /// - Throws: ``TestSupportError`` when the command can't be started. A failing command does not throw.
    public static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil,
        within limit: Duration = .seconds(60)
    ) async throws -> CommandOutput {
        // Files rather than pipes: nothing has to be read while the command runs, and no output is too long for them.
        let folder = try TemporaryFolder(label: "command")
        let (output, error) = (folder.path(of: "stdout"), folder.path(of: "stderr"))
        let child = try start(
            URL(fileURLWithPath: executable).lastPathComponent, executable: executable, arguments: arguments,
            environment: environment, log: output, errorLog: error,
            input: try input.map { try folder.write($0, to: "stdin") })
        let status = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)
                child.kill()
            }
            let status = await child.waitForExit()
            group.cancelAll()
            return status
        }
        return CommandOutput(status: status, standardOutput: text(of: output), standardError: text(of: error))
    }

    /// Runs a command to its end and returns what it printed.
    ///
    /// - Throws: ``TestSupportError`` with the command's standard error when it can't be started or fails.
    @discardableResult
    public static func outputOfRunning(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) async throws -> String {
        let output = try await run(executable, arguments, environment: environment, input: input)
        guard output.status == .code(0) else {
            let command = ([executable] + arguments).joined(separator: " ")
            throw TestSupportError("\(command) ended with \(output.status):\n\(output.standardError)")
        }
        return output.standardOutput
    }

    private static func text(of path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
