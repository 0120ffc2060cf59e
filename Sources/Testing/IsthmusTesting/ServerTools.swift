internal import Foundation

/// Where the real servers and their tools are on this machine; `scripts/setup-servers` installs them.
public struct ServerTools: Sendable {
    public let java: String
    public let zooKeeperJar: String
    public let etcd: String
    public let etcdctl: String
    public let kubeAPIServer: String
    public let kubectl: String
    public let openssl: String
    /// A Python with `apache-dubbo`, `kazoo`, `cel-python`, `jsonschema` and `pyyaml`.
    public let python: String

    /// Finds everything.
    ///
    /// - Throws: ``TestSupportError`` that names each missing part and what to do.
    public static func locate() throws -> ServerTools {
        var search = Search()
        let tools = ServerTools(
            java: search.command("java"), zooKeeperJar: search.file("/usr/share/java/zookeeper.jar"),
            etcd: search.command("etcd"), etcdctl: search.command("etcdctl"),
            kubeAPIServer: search.file("\(folder)/bin/kube-apiserver"), kubectl: search.command("kubectl"),
            openssl: search.command("openssl"), python: search.file("\(folder)/venv/bin/python"))
        guard search.missing.isEmpty else {
            throw TestSupportError(
                "real servers are missing: \(search.missing.joined(separator: ", ")); run scripts/setup-servers")
        }
        return tools
    }

    /// Whether tests against real servers run here: always when the environment has `CI=true`, where a missing server
    /// must fail the tests, otherwise only when everything is installed.
    public static var areExpected: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true" || (try? locate()) != nil
    }

    /// The program of a modern API server for custom resources.
    ///
    /// - Throws: ``TestSupportError`` that says where it may come from.
    static func extensionsAPIServer() throws -> String {
        let path = "\(folder)/bin/apiextensions-apiserver"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestSupportError(
                "\(path) is missing; run scripts/setup-servers with ISTHMUS_APIEXTENSIONS_APISERVER set to one")
        }
        return path
    }

    /// Whether tests against a modern API server run here: as ``areExpected``, and only where the program is.
    public static var isModernAPIServerExpected: Bool {
        areExpected
            && (ProcessInfo.processInfo.environment["CI"] == "true" || (try? extensionsAPIServer()) != nil)
    }

    /// The reason that a skipped test gives.
    public static let reasonToSkip = "the real servers are not installed: run scripts/setup-servers"

    /// The reason that a skipped test against a modern API server gives.
    public static let reasonToSkipModernAPIServer =
        "no apiextensions-apiserver is installed: run scripts/setup-servers with ISTHMUS_APIEXTENSIONS_APISERVER set"

    /// The root of this package's checkout.
    public static let packageRoot: String = {
        var folder = URL(filePath: #filePath)
        repeat {
            folder.deleteLastPathComponent()
        } while folder.path != "/"
            && !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path)
        return folder.path
    }()

    /// The path of something that `swift build` puts beside the running test program, such as `isthmus`.
    public static func builtProduct(_ name: String) -> String {
        let program = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
        return program.deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// The path of a file in `Tests/Fixtures`.
    public static func fixture(_ name: String) -> String {
        "\(packageRoot)/Tests/Fixtures/\(name)"
    }

    /// Where `scripts/setup-servers` puts what no Debian package has; `ISTHMUS_SERVERS` names another place.
    static var folder: String {
        ProcessInfo.processInfo.environment["ISTHMUS_SERVERS"] ?? "\(packageRoot)/.servers"
    }

    private struct Search {
        var missing: [String] = []

        mutating func file(_ path: String) -> String {
            if !FileManager.default.isReadableFile(atPath: path) { missing.append(path) }
            return path
        }

        mutating func command(_ name: String) -> String {
            let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            let paths = folders.map { "\($0)/\(name)" }
            guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
                missing.append(name)
                return name
            }
            return path
        }
    }
}
