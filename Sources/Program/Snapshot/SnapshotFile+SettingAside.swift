internal import FoundationEssentials
internal import SystemPackage

extension SnapshotFile {
    /// The number of files set aside that are kept, the newest ones. They are enough to find the cause, and a disk that
    /// damages every file does not fill up with them.
    private static let keptCount = 5
    private static let kinds = ["corrupt", "unreadable"]

    /// Renames the snapshot to `FILE.<kind>-<number>`.
    /// - Returns: The new name.
    func setAside(as kind: String) throws -> String {
        let earlier = setAside()
        let target = "\(path).\(kind)-\((earlier.last?.number ?? 0) + 1)"
        try FilePath(path).move(to: FilePath(target))
        for file in earlier.dropLast(Self.keptCount - 1) { try? file.path.removeFile() }
        return target
    }

    /// The files that were set aside, the oldest first.
    private func setAside() -> [(number: Int, path: FilePath)] {
        let folder = FilePath(path).folder
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        return names.compactMap { name in number(of: name).map { ($0, folder.appending(name)) } }
            .sorted { $0.number < $1.number }
    }

    private func number(of name: String) -> Int? {
        let own = FilePath(path).lastComponent?.string ?? ""
        for kind in Self.kinds {
            let prefix = "\(own).\(kind)-"
            if name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number > 0, number < .max {
                return number
            }
        }
        return nil
    }
}
