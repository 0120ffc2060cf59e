import Addressing
import Catalog
import Deliveries
import Dubbo
import IsthmusTesting
import IstioAPI
import JSON
import Planning
import Services
import Sources
import Status
import Translation

@testable import Bridge
@testable import Pipeline

/// What can happen. Most of it happens to providers and to what the source says; the rest is what goes wrong.
extension ModelRun {
    mutating func step() async {
        let index = Int.random(in: 0..<registries.count, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<34: await providerStep(index)
        case 34..<72: await sourceStep(index)
        case 72..<84: await timeStep()
        case 84..<93: await clusterStep()
        case 93..<96: await release(index)
        default: await restartStep()
        }
        noteExpired()
        // Sometimes much happens between two writes.
        if chance(85) { await look() } else { note("(nothing is written yet)") }
    }

    mutating func chance(_ percent: Int) -> Bool { Self.chance(percent, &random) }

    private static func chance(_ percent: Int, _ random: inout SeededGenerator) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    mutating func note(_ text: String) {
        history.append(text)
        if history.count > 20 { history.removeFirst() }
    }
}

// MARK: - Providers

extension ModelRun {
    private mutating func providerStep(_ index: Int) async {
        switch Int.random(in: 0..<34, using: &random) {
        case 0..<12:
            for _ in 0..<Int.random(in: 1...4, using: &random) { register(at: index) }
            note("providers register in \(registries[index].name)")
        case 12..<20: leave(Int.random(in: 1...3, using: &random), at: index)
        case 20..<23: restartProviders(at: index)
        case 23..<26: rollOut(at: index)
        case 26..<28:
            leave(.random(in: 5...registries[index].nodes.count + 5, using: &random), at: index, mayReturn: true)
        case 28..<32: comeBack()
        case 32..<33: everyoneLeaves(at: index)
        default: reuseAddress(at: index)
        }
        await tell(registries[index].tell(.random(in: 0...100, using: &random), twice: chance(10)), from: index)
    }

    mutating func register(at index: Int) {
        if registries[index].nodes.count >= 110 { return }
        let host = UInt32.random(in: 1...250, using: &random)
        let port: UInt16 = chance(80) ? 20880 : 20881
        let instance = Instance(
            host: .address(.v4(0x0A00_0000 | host)), port: port)
        var id = Self.ids[Int.random(in: 0..<Self.ids.count, using: &random)]
        if chance(25) { id = id.setting(ServiceID.Key.protocol, to: "tri") }
        registries[index].register(id, instance)
        if chance(30) { registries[1 - index].register(id, instance) }
    }

    private func nodes(at index: Int) -> [String] { registries[index].nodes.keys.sorted() }

    private mutating func leave(_ count: Int, at index: Int, mayReturn: Bool = false) {
        let leaving = nodes(at: index).shuffled(using: &random).prefix(count)
        note("\(leaving.count) providers leave \(registries[index].name)")
        for node in leaving {
            if mayReturn, let registration = registries[index].nodes[node] { gone.append((index, registration)) }
            registries[index].deregister(node)
        }
    }

    private mutating func comeBack() {
        let count = chance(70) ? gone.count : Int.random(in: 0...gone.count, using: &random)
        note("\(count) of those that left come back")
        gone.shuffle(using: &random)
        for (registry, registration) in gone.prefix(count) {
            registries[registry].register(registration.id, registration.instance)
        }
        gone.removeFirst(count)
    }

    private func nodes(of id: ServiceID, at index: Int) -> [String] {
        nodes(at: index).filter { registries[index].nodes[$0]?.id == id }
    }

    private mutating func everyoneLeaves(at index: Int) {
        let id = Self.ids[Int.random(in: 0..<Self.ids.count, using: &random)]
        note("all providers of \(id) leave \(registries[index].name)")
        for node in nodes(of: id, at: index) { registries[index].deregister(node) }
    }

    /// The new session's znode comes before the old one goes.
    private mutating func restartProviders(at index: Int) {
        let nodes = nodes(at: index).shuffled(using: &random).prefix(Int.random(in: 1...20, using: &random))
        note("\(nodes.count) providers register anew in \(registries[index].name)")
        for node in nodes {
            guard let old = registries[index].nodes[node] else { continue }
            registries[index].register(old.id, old.instance)
            if chance(80) { registries[index].deregister(node) }
        }
    }

    /// Every address of a service changes, one after the other.
    private mutating func rollOut(at index: Int) {
        let id = Self.ids[Int.random(in: 0..<Self.ids.count, using: &random)]
        note("\(id) is rolled out anew in \(registries[index].name)")
        for node in nodes(of: id, at: index) {
            guard var instance = registries[index].nodes[node]?.instance else { continue }
            instance.host = .address(.v4(0x0A01_0000 | UInt32.random(in: 1...60_000, using: &random)))
            registries[index].register(id, instance)
            registries[index].deregister(node)
        }
    }

    /// A pod's address goes to a pod of another service.
    private mutating func reuseAddress(at index: Int) {
        guard let node = nodes(at: index).randomElement(using: &random),
            let instance = registries[index].nodes[node]?.instance
        else { return }
        let id = Self.ids[Int.random(in: 0..<Self.ids.count, using: &random)]
        note("\(id) takes over an address in \(registries[index].name)")
        registries[index].deregister(node)
        registries[index].register(id, instance)
    }
}

// MARK: - What the source sees

extension ModelRun {
    private mutating func sourceStep(_ index: Int) async {
        let name = registries[index].name
        switch Int.random(in: 0..<38, using: &random) {
        case 0..<8:
            note("\(name) tells what happened")
            await tell(registries[index].tell(.random(in: 1...60, using: &random), twice: chance(10)), from: index)
        case 8..<12: await answerRequests(index)
        case 12..<18:
            note("\(name) is read completely")
            await tell(registries[index].readAll(.truth, &random), from: index)
        case 18..<22:
            note("a read of \(name) begins")
            await tell(registries[index].beginRead(.truth, &random), from: index)
        case 22..<29:
            note("the read of \(name) goes on")
            await tell(registries[index].readOn(.random(in: 0...8, using: &random)), from: index)
        case 29..<31:
            note("the read of \(name) breaks off")
            await tell(registries[index].breakOff(), from: index)
        case 31..<34:
            note("the connection to \(name) is lost")
            await tell(registries[index].disconnect(), from: index)
        case 34..<35:
            note("\(name) answers that there is nothing")
            await tell(registries[index].readAll(.nothing, &random), from: index)
        case 35..<36: await misread(index)
        default:
            let unreadable = Self.ids.map(\.name).filter { _ in Self.chance(15, &random) }
            registries[index].unreadable = chance(60) ? [] : Set(unreadable)
            note("in \(name) can't be read: \(registries[index].unreadable.sorted())")
        }
    }

    private mutating func misread(_ index: Int) async {
        let count = Int.random(in: 0...registries[index].nodes.count, using: &random)
        let hidden = nodes(at: index).shuffled(using: &random).prefix(count)
        note("\(registries[index].name) answers without \(count) of its providers")
        await tell(registries[index].readAll(.without(Set(hidden)), &random), from: index)
    }

    mutating func answerRequests(_ index: Int) async {
        guard registries[index].isIdle, let request = await request(of: index) else { return }
        note("\(registries[index].name) is asked for \(request)")
        switch request {
        case .everything: await tell(registries[index].readAll(.truth, &random), from: index)
        case .names(let names): await tell(registries[index].reread(names), from: index)
        }
    }
}

// MARK: - Time, the cluster, the bridge itself

extension ModelRun {
    private mutating func timeStep() async {
        let pause = Duration.seconds(chance(80) ? Double.random(in: 0...40, using: &random) : 120)
        note("\(pause) pass")
        clock.advance(by: pause)
        // Whoever woke sleeps again when all is done.
        await clock.someoneSleeps()
    }

    private mutating func clusterStep() async {
        switch Int.random(in: 0..<9, using: &random) {
        case 0..<3: await changeLeadership()
        case 3..<5: await remember()
        default: editByHand()
        }
    }

    private mutating func changeLeadership() async {
        if isLeading {
            // What was told before is written, so that what is written later came later.
            await look()
            isLeading = false
            note("another replica leads, and has nothing to do")
        } else {
            await lead()
        }
    }

    mutating func lead() async {
        if isLeading { return }
        note("this replica leads again")
        isLeading = true
        if chance(50) {
            await pipeline.adopt(cluster.owned(), from: cluster.name)
            var shown: [ServiceID: ModelOracle.Memory] = [:]
            for seed in Self.seeds(in: cluster.owned()) {
                shown[seed.id, default: .init()].registries.formUnion(seed.registries)
                shown[seed.id]?.note(seed)
            }
            oracle.adopts(delivered, shown: shown, now: now)
        }
        cluster.changed(Array(cluster.objects.keys) + (await pipeline.everyKey()))
    }

    private mutating func editByHand() {
        let mine = cluster.owned().map(\.key).sorted()
        guard isLeading, let key = mine.randomElement(using: &random), var object = cluster.objects[key] else { return }
        if chance(50) {
            note("somebody removes \(key.name)")
            cluster.put(nil, at: key)
            take(nil, at: key)
        } else {
            note("somebody changes \(key.name)")
            let isWorkload = key.kind == .workloadEntry
            object.spec = object.spec.applying(
                mergePatch: isWorkload ? ["address": "10.9.9.9"] : ["endpoints": [], "location": "MESH_EXTERNAL"])
            object.revision = Revision([object.revision])
            cluster.put(object, at: key)
            take(object, at: key)
        }
    }

    mutating func release(_ index: Int) async {
        let name = registries[index].name
        let release = await pipeline.release(name)
        note("an operator releases \(release?.instances ?? 0) of \(name)")
        problems += oracle.released(name, wasHeld: release != nil)
    }

    /// What the objects say of services.
    static func seeds(in objects: [ActualObject]) -> [ServiceSeed] {
        Translator(policy: .init(namespace: "dubbo")).services(in: objects).map(\.seed)
    }

    private mutating func restartStep() async {
        let isGraceful = chance(50)
        if isGraceful { await remember() }
        let recalls = chance(50)
        note("the bridge starts anew" + (recalls ? isGraceful ? ", with its snapshot" : ", with an old snapshot" : ""))
        await start(recalling: recalls ? snapshot : nil, isOld: !isGraceful)
        for index in registries.indices where chance(60) {
            await tell(registries[index].readAll(.truth, &random), from: index)
        }
    }
}
