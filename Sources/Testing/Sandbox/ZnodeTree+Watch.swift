internal import ZooKeeper

extension ZnodeTree {
    enum StandingMode: Hashable, Sendable {
        /// Fires once.
        case once
        case persistent
        case persistentRecursive

        init(_ mode: WatchMode) {
            self = mode == .persistentRecursive ? .persistentRecursive : .persistent
        }
    }

    /// The watches of one kind. A session has at most one watch on a path, and the last one set is the one that stands:
    /// in 3.6 to 3.8 a read with a watch replaces a persistent watch on the same path (ZOOKEEPER-4466).
    struct WatchTable: Sendable {
        private var modes: [String: [Int64: StandingMode]] = [:]
        private var paths: [Int64: Set<String>] = [:]

        func mode(of path: String, for session: Int64) -> StandingMode? {
            modes[path]?[session]
        }

        mutating func add(_ path: String, for session: Int64?, mode: StandingMode) {
            guard let session else { return }
            modes[path, default: [:]][session] = mode
            paths[session, default: []].insert(path)
        }

        /// - Returns: Whether there was one.
        mutating func remove(_ path: String, of session: Int64) -> Bool {
            guard modes[path]?[session] != nil else { return false }
            remove(path, for: session)
            paths[session]?.remove(path)
            return true
        }

        mutating func removeAll(of session: Int64) {
            for path in paths.removeValue(forKey: session) ?? [] { remove(path, for: session) }
        }

        /// Says whom to tell that something happened to `path`, and takes away the watches that fire once.
        mutating func fire(_ kind: WatchEvent.Kind, _ path: String, except: Set<Int64> = []) -> [Notification] {
            var told: Set<Int64> = []
            for (session, mode) in modes[path] ?? [:] {
                // A recursive watch sees the child come or go; it needs no word about the parent.
                if mode == .persistentRecursive, kind == .childrenChanged { continue }
                told.insert(session)
                if mode == .once {
                    remove(path, for: session)
                    paths[session]?.remove(path)
                }
            }
            if kind != .childrenChanged {
                var ancestor = path == "/" ? nil : ZnodeTree.parent(of: path)
                while let current = ancestor {
                    for (session, mode) in modes[current] ?? [:] where mode == .persistentRecursive {
                        told.insert(session)
                    }
                    ancestor = current == "/" ? nil : ZnodeTree.parent(of: current)
                }
            }
            let event = WatchEvent(kind: kind, path: path)
            return told.subtracting(except).sorted().map { Notification(session: $0, event: event) }
        }

        private mutating func remove(_ path: String, for session: Int64) {
            modes[path]?[session] = nil
            if modes[path]?.isEmpty == true { modes[path] = nil }
        }
    }
}
