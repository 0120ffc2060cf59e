internal import FoundationEssentials

/// What a configuration may take from its surroundings; a value, so that tests bring their own.
struct Environment: Sendable {
    var variables: [String: String]
    /// Where a pod finds its service account.
    var serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    static var current: Self { Self(variables: ProcessInfo.processInfo.environment) }

    /// The variable's value; `nil` also when it is empty.
    subscript(name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Reads a small file: credentials and configurations.
///
/// - Throws: `KubernetesError` with `configuration`, which names the file and says why.
func contents(ofFile path: String, _ what: String) throws(KubernetesError) -> [UInt8] {
    do {
        return Array(try Data(contentsOf: URL(filePath: path)))
    } catch let error as CocoaError {
        let reason =
            switch error.code {
            case .fileReadNoSuchFile: "there is no such file"
            case .fileReadNoPermission: "permission denied"
            default: "it cannot be read (code \(error.code.rawValue))"
            }
        throw KubernetesError(code: .configuration, message: "\(what) \(path): \(reason)")
    } catch {
        throw KubernetesError(code: .configuration, message: "\(what) \(path): it cannot be read")
    }
}
