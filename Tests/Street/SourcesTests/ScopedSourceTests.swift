import Addressing
import IstioAPI
import Services
import Sources
import Synchronization
import Testing

@Suite("a scoped source")
struct ScopedSourceTests {
    /// Says what it is given, and what it was asked to read.
    private struct Script: Source {
        let name = "script"
        let events: [SourceEvent]

        func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
            for event in events { await emit(event) }
        }
    }

    private final class Log: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let id = ServiceID(name: "com.acme.Cart", protocol: "scoped", version: "1.0")
    private let key = InstanceKey("node")
    private let instance = Instance(
        host: .address(.v4(0x0A00_0001)), port: 1)

    /// What comes of events behind a source of the scope `east`, as text.
    private func events(_ events: [SourceEvent]) async -> [String] {
        let log = Log()
        let source = ScopedSource(Script(events: events), scope: "east")
        #expect(source.name == "script")
        await source.run(requests: ReadRequests()) { event in log.lines.withLock { $0.append(Self.text(event)) } }
        return log.lines.withLock { $0 }
    }

    private static func text(_ event: SourceEvent) -> String {
        switch event {
        case .begin: "begin"
        case .services(let name, let services): "\(name): \(services.keys.sorted()) \(services.values.map(\.count))"
        case .unreadable(let name, let reason, _): "\(name) unreadable: \(reason)"
        case .complete: "complete"
        case .interrupted(let reason): "interrupted: \(reason)"
        case .added(let id, _, _): "added \(id)"
        case .removed(let id, _, _): "removed \(id)"
        case .notes(let notes): "\(notes.count) notes"
        }
    }

    @Test("its services have the scope as a qualifier, however the registry tells of them")
    func services() async {
        let scoped = "scoped://com.acme.Cart:1.0?scope=east"
        let told: [SourceEvent] = [
            .services(name: "com.acme.Cart", [id: [key: instance]]), .added(id, key, instance), .removed(id, key),
        ]
        #expect(await events(told) == ["com.acme.Cart: [\(scoped)] [1]", "added \(scoped)", "removed \(scoped)"])
    }

    @Test("the names that are listed and asked for, and the frames of full reads, stay as they are")
    func frames() async {
        let told: [SourceEvent] = [
            .begin, .unreadable(name: "com.acme.Cart", reason: "r"), .complete, .interrupted(reason: "i"),
        ]
        #expect(await events(told) == ["begin", "com.acme.Cart unreadable: r", "complete", "interrupted: i"])
    }
}
