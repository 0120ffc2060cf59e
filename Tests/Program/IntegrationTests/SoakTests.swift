internal import Foundation
internal import IsthmusTesting
internal import Testing

/// The bridge and a standby, as users run them, through minutes of changes and faults: `scripts/soak`.
@Suite("A soak", .realServers, .timeLimit(.minutes(SoakSettings.timeLimit)))
struct SoakTests {
    @Test("in changes and faults nothing is lost or invented, and after them everything is as it is registered")
    func soak() async throws {
        let minutes = Double(SoakSettings.duration.components.seconds) / 60
        print("soak: seed \(SoakSettings.seed); again with: scripts/soak \(minutes) \(SoakSettings.seed)")
        let record = SoakRecord(seed: SoakSettings.seed)
        do {
            try await SoakScene.run(record) { scene in
                try await scene.soak(for: SoakSettings.duration)
                print(record.report(writes: try scene.writes()))
                #expect(scene.replicas.map(\.name).compactMap { record.memory.growth(of: $0) }.allSatisfy { $0 < 50 })
            }
            // Also while the replicas stopped.
            #expect(record.wrongs == [])
        } catch {
            for wrong in record.wrongs { Issue.record("\(wrong)") }
            let folder = "\(ServerTools.packageRoot)/.build/soak-\(SoakSettings.seed)"
            record.writeActions(to: folder)
            print("soak: FAILED; the logs are in \(folder)")
            print(record.report(writes: [:]))
            print("soak: the last actions:\n\(record.lastActions(30))")
            throw error
        }
    }
}

/// What `scripts/soak` says. Without it, half a minute.
private enum SoakSettings {
    private static let environment = ProcessInfo.processInfo.environment

    /// How long changes and faults go on.
    static let duration = Duration.seconds((environment["ISTHMUS_SOAK_MINUTES"].flatMap(Double.init) ?? 0.5) * 60)

    static let seed =
        environment["ISTHMUS_SOAK_SEED"].flatMap(UInt64.init) ?? SeededGenerator.seeds(1)[0] % 1_000_000

    /// In minutes: each round ends with a calm in which everything has to come right, which takes its time.
    static var timeLimit: Int { Int(duration.components.seconds) * 4 / 60 + 5 }
}
