internal import FoundationEssentials

/// The inputs of a configuration from outside: environment variables and the service account's folder. Tests supply
/// their own.
struct Environment: Sendable {
    var variables: [String: String]
    /// The folder in which the kubelet mounts a pod's service account.
    var serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    static var current: Self { Self(variables: ProcessInfo.processInfo.environment) }

    /// The variable's value; `nil` when it is not set or empty.
    subscript(name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Reads a small file with credentials or a configuration.
///
/// - Parameter what: the file's role in an error, such as "the client key".
/// - Throws: `KubernetesError` with `configuration`. The message names the file and says why it cannot be read.
func contents(ofFile path: String, _ what: String) throws(KubernetesError) -> [UInt8] {
    do {
        return Array(try Data(contentsOf: URL(filePath: path)))
    } catch let error as CocoaError {
        let reason =
            switch error.code {
            case .fileReadNoSuchFile: "there is no such file"
            case .fileReadNoPermission: "permission denied"
            case _ where isFolder(path): "this is a folder, and a file is needed"
            default: "it cannot be read (code \(error.code.rawValue))"
            }
        throw KubernetesError(code: .configuration, message: "\(what) \(path): \(reason)", cause: error)
    } catch {
        throw KubernetesError(code: .configuration, message: "\(what) \(path): it cannot be read", cause: error)
    }
}

private func isFolder(_ path: String) -> Bool {
    var isFolder = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
}
