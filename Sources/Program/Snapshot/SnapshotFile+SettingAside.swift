internal import FoundationEssentials

extension SnapshotFile {
    /// The number of files set aside that are kept, newest first. A disk that damages every file must not fill up with
    /// them.
    private static let keptCount = 5
    private static let kinds = ["corrupt", "unreadable"]

    /// Gives the file a name of its own: `FILE.<kind>-<number>`.
    /// - Returns: That name.
    func setAside(as kind: String) throws -> String {
        let earlier = setAside()
        let target = "\(path).\(kind)-\((earlier.last?.number ?? 0) + 1)"
        try FilePath.move(path, to: target)
        for file in earlier.dropLast(Self.keptCount - 1) { try? FilePath.remove(file.path) }
        return target
    }

    /// The files that were set aside, the oldest first.
    private func setAside() -> [(number: Int, path: String)] {
        let folder = FilePath.folder(of: path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in number(of: name).map { ($0, "\(folder)/\(name)") } }
            .sorted { $0.number < $1.number }
    }

    private func number(of name: String) -> Int? {
        for kind in Self.kinds {
            let prefix = "\(FilePath.name(of: path)).\(kind)-"
            if name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number > 0, number < .max {
                return number
            }
        }
        return nil
    }
}
