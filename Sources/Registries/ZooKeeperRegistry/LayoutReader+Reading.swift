internal import Declarations
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

extension LayoutReader {
    /// The watches come first and then the walk: an event tells what changes in between.
    func list() async throws(ReadFailure) -> Listing {
        let number = fullReads.add(1, ordering: .relaxed).newValue
        var view = feed.renewedView(isLive: true)
        do throws(ZooKeeperError) {
            for tree in trees { try await client.sync(tree) }
            try await watchTrees()
            var position = Position.max
            var level: [String] = []
            for tree in trees {
                let list = try await client.childrenInSequence(of: tree)
                // What is older than the first answer is in every answer.
                position = min(position, list.sequence)
                if list.children != nil { level.append(tree) }
            }
            if level.isEmpty { throw ZooKeeperError(.noNode, path: trees.first) }
            for _ in 0..<Self.depthLimit where !level.isEmpty { level = try await readLevel(level, into: &view) }
            // A read that was given up must not replace what a later one has read.
            guard fullReads.load(ordering: .relaxed) == number else {
                throw ZooKeeperError(.connectionLoss, path: trees.first)
            }
            return Listing(readings: feed.readCompletely(view, position: position), position: position)
        } catch {
            throw failure(error)
        }
    }

    /// Reads the znodes of one level.
    /// - Returns: Their children.
    private func readLevel(
        _ level: [String], into view: inout DeclaredView
    ) async throws(ZooKeeperError) -> [String] {
        var next: [String] = []
        var rest = level[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.walkWidth)
            rest = rest.dropFirst(part.count)
            let results = await withTaskGroup(of: Result<Step, ZooKeeperError>.self) { group in
                for path in part { group.addTask { await self.step(path) } }
                var results: [Result<Step, ZooKeeperError>] = []
                for await result in group { results.append(result) }
                return results
            }
            for result in results {
                let step = try result.get()
                if let update = step.update { view.take(update) }
                next += step.children
            }
        }
        return next
    }

    private struct Step: Sendable {
        var update: DeclaredFeed.Update?
        var children: [String] = []
    }

    private func step(_ path: String) async -> Result<Step, ZooKeeperError> {
        do throws(ZooKeeperError) {
            var step = Step()
            if feed.concerns(path) {
                let znode = try await content(of: path)
                step.update = znode.update
                if !znode.hasChildren { return .success(step) }
            }
            let prefix = path == "/" ? "/" : path + "/"
            step.children = (try await client.childrenInSequence(of: path).children ?? []).map { prefix + $0 }
            return .success(step)
        } catch {
            return .failure(error)
        }
    }

    func prepare() async throws(ReadFailure) {
        do throws(ZooKeeperError) {
            for tree in trees { try await client.sync(tree) }
        } catch {
            throw failure(error)
        }
    }

    /// Reads the folders in which znodes of the name stand.
    func read(_ name: String) async throws(ReadFailure) -> Reading {
        // No event of a name without a folder is older than this.
        var position = feed.position
        var view = feed.emptiedView()
        do throws(ZooKeeperError) {
            var lists: [Position] = []
            for folder in feed.folders(of: name) {
                let list = try await client.childrenInSequence(of: Self.tree(of: folder))
                lists.append(list.sequence)
                for child in (list.children ?? []).sorted() where feed.concerns(folder + child) {
                    view.take(try await content(of: folder + child).update)
                }
            }
            if let oldest = lists.min() { position = oldest }
        } catch {
            throw failure(error)
        }
        return view.reading(of: name, position: position)
    }

    private func failure(_ error: ZooKeeperError) -> ReadFailure {
        if error.code == .noNode {
            return ReadFailure(
                .missing,
                reason:
                    "there is none of the znodes \(trees.joined(separator: ", ")); a missing root is never taken for "
                    + "an empty registry. Check the layouts' roots; reading starts by itself when one is made")
        }
        if error.code == .unimplemented || error.code == .marshallingError {
            return ReadFailure(
                .lasting, reason: "layouts need persistent watches, which ZooKeeper has since 3.6: \(error)")
        }
        return ReadFailure(error.cause, reason: error.description)
    }
}

extension DeclaredView {
    fileprivate mutating func take(_ update: DeclaredFeed.Update) {
        switch update {
        case .put(let entry): put(entry)
        case .remove(let key): _ = remove(key)
        case .unreadable(let key, let reason): _ = putUnreadable(key, reason: reason)
        }
    }
}
