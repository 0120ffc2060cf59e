import Foundation
import IsthmusTesting
import Testing

/// Only the list of kinds knows which registries and formats there are.
@Suite("The words of the rooms that know no registry")
struct VocabularyTests {
    /// Words of formats and of registries. `rest` and `grpc` are words of English and of Istio too.
    private static let foreign: Set<String> = [
        "consul", "curator", "dubbo", "etcd", "eureka", "interface", "interfaces", "nacos", "tri", "triple", "znode",
        "znodes", "zookeeper",
    ]

    @Test(
        "no code and no comment there names a registry, a format or one of their protocols",
        arguments: ["Street", "Program/Snapshot", "Program/Status"])
    func rooms(room: String) throws {
        let folder = URL(filePath: "\(ServerTools.packageRoot)/Sources/\(room)")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var count = 0
        for case let file as URL in files where file.pathExtension == "swift" {
            count += 1
            for (number, line) in try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false
            ).enumerated() {
                let found = Self.words(of: line).filter { Self.foreign.contains($0) }
                #expect(found.isEmpty, "\(file.lastPathComponent):\(number + 1): \(found)")
            }
        }
        #expect(count > 0)
    }

    /// In lower case; `ZooKeeperRegistry` has three, and `zookeeper` among them.
    private static func words(of line: Substring) -> [String] {
        let runs = line.split { !$0.isLetter }
        let parts = runs.flatMap { run -> [Substring] in
            let starts = run.indices.filter { $0 != run.startIndex && run[$0].isUppercase }
            let bounds = [run.startIndex] + starts + [run.endIndex]
            return zip(bounds, bounds.dropFirst()).map { run[$0..<$1] }
        }
        return (runs + parts).map { $0.lowercased() } + zip(parts, parts.dropFirst()).map { ($0 + $1).lowercased() }
    }
}
