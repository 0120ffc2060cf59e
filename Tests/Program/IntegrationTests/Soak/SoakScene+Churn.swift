internal import IsthmusTesting
internal import ZooKeeper

extension SoakScene {
    /// Changes the registry until the round is over.
    /// - Returns: The generator for the next round.
    func churn(_ generator: SeededGenerator) async throws -> SeededGenerator {
        var generator = generator
        while !record.isRoundOver {
            let change = record.update { $0.registry.next(using: &generator) }
            try await perform(change, using: &generator)
            try await Task.sleep(for: .milliseconds(Int.random(in: 5...60, using: &generator)))
        }
        return generator
    }

    /// One step after the other, with pauses between them.
    private func perform(_ change: SoakRegistry.Change, using generator: inout SeededGenerator) async throws {
        if change.steps.isEmpty { return }
        record.log(change.name)
        for step in change.steps {
            try await perform(step)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...40, using: &generator)))
        }
    }

    /// All at once.
    func perform(_ change: SoakRegistry.Change) async throws {
        record.log(change.name)
        try await withThrowingDiscardingTaskGroup { group in
            for step in change.steps { group.addTask { try await perform(step) } }
        }
    }

    func perform(_ step: SoakRegistry.Step) async throws {
        record.update { state in
            state.registry.willTake(step)
            state.changes += 1
        }
        switch step {
        case .add(let provider): try await create(provider.path)
        case .remove(let provider): try await delete(provider.path)
        case .litter(let path): try await create(path)
        case .sweep(let path): try await delete(path)
        }
        record.update { $0.registry.hasTaken(step) }
    }

    /// However long ZooKeeper is away. No name is used twice, so that a repetition does no harm.
    private func create(_ path: String) async throws {
        try await eventually("\(path) is created", within: .seconds(90)) {
            do {
                try await registry.create(path)
            } catch let error as ZooKeeperError where error.code == .nodeExists {
            } catch let error as ZooKeeperError where error.code == .noNode {
                try await registry.ensurePath(path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 })
                return false
            }
            return true
        }
    }

    private func delete(_ path: String) async throws {
        try await eventually("\(path) is deleted", within: .seconds(90)) {
            do {
                try await registry.delete(path)
            } catch let error as ZooKeeperError where error.code == .noNode {}
            return true
        }
    }
}
