import IsthmusTesting
import IstioAPI
import JSON
import Planning
import Testing

@testable import KubernetesDelivery

@Suite("what a replica knows of a cluster, and what it may do")
struct ClusterStateMachineTests {
    private typealias Machine = ClusterStateMachine

    private var machine: Machine

    init() {
        machine = Machine(usesWorkloads: true, isElected: true)
        machine.begins()
    }

    private let entry = ActualObject(
        key: .in("a"), revision: nil, labels: [:], annotations: [:], spec: ["hosts": ["a.example"]])
    private let selecting = ActualObject(
        key: .in("large"), revision: nil, labels: [:], annotations: [:], spec: ["workloadSelector": ["labels": [:]]])
    private let workload = ActualObject(
        key: ResourceKey(.workloadEntry, namespace: World.namespace, name: "w"), revision: nil, labels: [:],
        annotations: [:], spec: [:])

    /// A complete list of a kind.
    private mutating func list(_ kind: ResourceKind, _ objects: ActualObject..., leads: Bool = true) -> Machine.Action {
        machine.listBegins(kind)
        for object in objects { machine.listed(object, kind) }
        return machine.listComplete(kind, isLeading: leads)
    }

    /// Both kinds are listed for the first time.
    private mutating func begin(leads: Bool = true) {
        #expect(list(.workloadEntry, leads: leads) == .none)
        #expect(list(.serviceEntry, entry, leads: leads) == .seed([entry]))
        #expect(machine.handedOver(isLeading: leads) == (leads ? .compareAnew : .none))
    }

    private mutating func mayWrite(_ leads: Bool) -> Bool { machine.mayWrite(isLeading: leads) }

    private func isStandby(outdated: Bool) -> Bool { machine.state == .standby(nil, isOutdated: outdated) }

    @Test("a delivery that doesn't run may carry out the changes of a one-shot reconcile")
    mutating func idle() {
        machine = Machine(usesWorkloads: true, isElected: false)
        #expect(mayWrite(true) && !mayWrite(false))
        machine.begins()
        #expect(!mayWrite(true))
    }

    // MARK: Listing

    @Test("nothing is written before both kinds are listed and the desired state knows the objects")
    mutating func listing() {
        #expect(!mayWrite(true))
        #expect(list(.serviceEntry, entry) == .none)
        #expect(!mayWrite(true))
        #expect(machine.compares(isLeading: true) == .none)
        guard case .seed(let objects) = list(.workloadEntry, workload) else {
            Issue.record("no objects")
            return
        }
        #expect(Set(objects.map(\.key)) == [entry.key, workload.key])
        #expect(!mayWrite(true))
        #expect(machine.handedOver(isLeading: true) == .compareAnew)
        #expect(mayWrite(true))
        #expect(machine.state == .serving(nil))
    }

    @Test("a list that breaks off and begins anew counts once")
    mutating func brokenList() {
        machine.listBegins(.serviceEntry)
        machine.listed(entry, .serviceEntry)
        #expect(list(.serviceEntry, entry) == .none)
        #expect(list(.workloadEntry) == .seed([entry]))
    }

    @Test("a kind that is listed again must be complete again before the lists count")
    mutating func listedTwice() {
        _ = list(.serviceEntry, entry)
        machine.listBegins(.serviceEntry)
        #expect(list(.workloadEntry, workload) == .none)
        guard case .seed = machine.listComplete(.serviceEntry, isLeading: true) else {
            Issue.record("no objects")
            return
        }
    }

    @Test("without WorkloadEntries it serves where no service has them, and waits for them where one does")
    mutating func withoutWorkloads() {
        #expect(machine.workloadsUnavailable(isLeading: true) == .none)
        var other = machine
        #expect(list(.serviceEntry, entry) == .seed([entry]))
        #expect(machine.handedOver(isLeading: true) == .compareAnew)
        #expect(machine.isServing && !machine.followsWorkloads)
        // They can be followed later.
        #expect(list(.workloadEntry) == .compare)
        #expect(machine.state == .serving(nil) && machine.followsWorkloads)

        swap(&machine, &other)
        #expect(list(.serviceEntry, selecting) == .none)
        #expect(machine.workloadsUnavailable(isLeading: true) == .none)
        guard case .seed(let objects) = list(.workloadEntry, workload) else {
            Issue.record("no objects")
            return
        }
        #expect(Set(objects.map(\.key)) == [selecting.key, workload.key])
    }

    @Test("WorkloadEntries that were followed and can't be listed now are no reason to stop")
    mutating func workloadsInterrupted() {
        begin()
        #expect(machine.workloadsUnavailable(isLeading: true) == .none)
        #expect(machine.followsWorkloads && machine.isServing)
    }

    @Test("a list while the desired state is told of the one before leads to no second report")
    mutating func listWhileHandingOver() {
        _ = list(.workloadEntry)
        _ = list(.serviceEntry, entry)
        #expect(list(.workloadEntry, workload) == .none)
        #expect(machine.handedOver(isLeading: true) == .compareAnew)
        #expect(machine.handedOver(isLeading: true) == .none)
    }

    // MARK: Standby and serving

    @Test("a replica that leads no longer writes nothing, and compares everything when it leads again")
    mutating func standby() {
        begin()
        #expect(!mayWrite(false))
        #expect(isStandby(outdated: false))
        #expect(!mayWrite(true), "the comparison comes first")
        #expect(machine.looks(isLeading: true) == .compareAnew)
        #expect(mayWrite(true))
    }

    @Test("a replica whose objects others changed lists them anew before it writes")
    mutating func takeover() {
        begin(leads: false)
        #expect(isStandby(outdated: false))
        machine.changedByOthers(.serviceEntry)
        #expect(isStandby(outdated: true) && machine.isOutdated)
        #expect(machine.compares(isLeading: false) == .none)
        #expect(machine.compares(isLeading: true) == .listAgain)
        #expect(machine.state == .takingOver(.init()))
        #expect(machine.looks(isLeading: true) == .none, "one list at a time")
        #expect(!mayWrite(true))
        #expect(list(.serviceEntry, entry) == .none)
        #expect(list(.workloadEntry) == .adopt([entry]))
        #expect(!mayWrite(true))
        #expect(machine.handedOver(isLeading: true) == .compareAnew)
        #expect(mayWrite(true) && !machine.isOutdated)
    }

    @Test("a list that began before the takeover doesn't count for it")
    mutating func earlierList() {
        begin(leads: false)
        machine.changedByOthers(.serviceEntry)
        machine.listBegins(.serviceEntry)
        #expect(machine.looks(isLeading: true) == .listAgain)
        #expect(machine.listComplete(.serviceEntry, isLeading: true) == .none)
        #expect(list(.workloadEntry) == .none)
        #expect(list(.serviceEntry, entry) == .adopt([entry]))
    }

    @Test("one kind that a standby lists again, alone, makes what it knows outdated")
    mutating func relist() {
        begin(leads: false)
        #expect(list(.serviceEntry, entry, leads: false) == .none)
        #expect(isStandby(outdated: true))
        #expect(machine.looks(isLeading: true) == .listAgain)
        _ = list(.serviceEntry, entry)
        #expect(list(.workloadEntry) == .adopt([entry]))
    }

    @Test("a leader that lists a kind again compares everything")
    mutating func relistOfLeader() {
        begin()
        #expect(list(.serviceEntry, entry) == .compare)
        #expect(list(.workloadEntry) == .compare)
        #expect(machine.isServing)
    }

    @Test("a takeover without WorkloadEntries comes to its end where none is needed")
    mutating func takeoverWithoutWorkloads() {
        begin(leads: false)
        machine.changedByOthers(.serviceEntry)
        _ = machine.looks(isLeading: true)
        #expect(list(.serviceEntry, entry) == .none)
        #expect(machine.workloadsUnavailable(isLeading: true) == .adopt([entry]))
        #expect(!machine.followsWorkloads)
    }

    @Test("a standby without WorkloadEntries adopts each list of ServiceEntries")
    mutating func standbyWithoutWorkloads() {
        _ = machine.workloadsUnavailable(isLeading: false)
        _ = list(.serviceEntry, entry, leads: false)
        _ = machine.handedOver(isLeading: false)
        machine.changedByOthers(.serviceEntry)
        #expect(list(.serviceEntry, entry, leads: false) == .adopt([entry]))
        #expect(machine.handedOver(isLeading: false) == .none)
        #expect(!machine.isOutdated)
    }

    // MARK: Changes of others during a round

    @Test("what others change between the ends of the two lists is outdated after the round", arguments: [true, false])
    mutating func changeBetweenLists(isTakeover: Bool) {
        if isTakeover {
            begin(leads: false)
            machine.changedByOthers(.serviceEntry)
            _ = machine.looks(isLeading: true)
        }
        _ = list(.serviceEntry, entry, leads: false)
        machine.changedByOthers(.serviceEntry)
        #expect(list(.workloadEntry, leads: false) == (isTakeover ? .adopt([entry]) : .seed([entry])))
        #expect(machine.handedOver(isLeading: false) == .none)
        #expect(isStandby(outdated: true))
    }

    @Test("what others change while the desired state is told of the lists is outdated afterwards")
    mutating func changeWhileHandingOver() {
        _ = list(.serviceEntry, entry, leads: false)
        _ = list(.workloadEntry, leads: false)
        machine.changedByOthers(.workloadEntry)
        #expect(machine.handedOver(isLeading: false) == .none)
        #expect(isStandby(outdated: true))
    }

    @Test("a replica that begins to lead meanwhile takes over what became outdated in the round")
    mutating func leadsMeanwhile() {
        _ = list(.serviceEntry, entry, leads: false)
        machine.changedByOthers(.serviceEntry)
        _ = list(.workloadEntry, leads: false)
        #expect(machine.looks(isLeading: true) == .none)
        #expect(machine.handedOver(isLeading: true) == .listAgain)
    }

    @Test("a change of a kind that is not listed yet is part of the list that comes")
    mutating func changeBeforeList() {
        _ = list(.serviceEntry, entry, leads: false)
        machine.changedByOthers(.workloadEntry)
        _ = list(.workloadEntry, leads: false)
        #expect(machine.handedOver(isLeading: false) == .none)
        #expect(isStandby(outdated: false))
    }

    @Test(
        "whatever happens, nothing is written but by a leader that knows what is there",
        arguments: SeededGenerator.seeds(50))
    mutating func invariants(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var isKnown = false
        var dirty = false
        for _ in 0..<300 {
            let leads = random.next() % 2 == 0
            let kind: ResourceKind = random.next() % 2 == 0 ? .serviceEntry : .workloadEntry
            var action = Machine.Action.none
            switch random.next() % 7 {
            case 0: machine.listBegins(kind)
            case 1: action = machine.listComplete(kind, isLeading: leads)
            case 2: action = machine.workloadsUnavailable(isLeading: leads)
            case 3 where !leads:
                machine.changedByOthers(kind)
                dirty = isKnown
            case 4: action = machine.looks(isLeading: leads)
            case 5: action = machine.compares(isLeading: leads)
            default:
                let may = machine.mayWrite(isLeading: leads)
                #expect(!may || leads && isKnown && !dirty)
            }
            switch action {
            case .seed, .adopt:
                #expect(isKnown == (action.isAdoption))
                #expect(!mayWrite(true))
                isKnown = true
                dirty = machine.isOutdated
                _ = machine.handedOver(isLeading: leads)
            case .compareAnew where !machine.isOutdated, .compare: #expect(isKnown && machine.isServing)
            case .none, .listAgain, .compareAnew: break
            }
        }
    }
}

extension ClusterStateMachine.Action {
    fileprivate var isAdoption: Bool { if case .adopt = self { true } else { false } }
}
