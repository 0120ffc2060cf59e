import Addressing
import Services
import Testing

@testable import Catalog

@Suite("which arrival pays for which removal")
struct LossLedgerTests {
    private var ledger = LossLedger(window: .seconds(60))
    private var now = Duration.zero

    private mutating func arrive(_ host: UInt8, returns: Bool = false, in id: ServiceID = .cart) {
        ledger.arrive(id, Instance.sample(host).endpoint, returns: returns, now: now)
    }

    private mutating func leave(_ host: UInt8, from id: ServiceID = .cart) {
        ledger.leave(id, .sample(host), now: now)
    }

    /// - Parameter present: So many that newcomers never go as fast as the rest.
    private mutating func loss(present: Int = 100) -> Int {
        ledger.pay()
        return ledger.loss(present: present).instances
    }

    @Test("an arrival pays for one removal of its service, whichever comes first")
    mutating func pays() {
        leave(1)
        leave(2)
        arrive(101)
        let first = loss()
        arrive(102, in: .order)
        let second = loss()
        arrive(103)
        let third = loss()
        #expect([first, second, third] == [1, 1, 0])
    }

    @Test("an instance that returns pays for none, and is lost no longer")
    mutating func returns() {
        leave(1)
        leave(2)
        arrive(1, returns: true)
        #expect(loss() == 1)
        arrive(2, returns: true)
        #expect(loss() == 0 && ledger.hasReturned(.cart, Instance.sample(1).endpoint))
    }

    @Test("when an arrival goes, the removal that it paid for counts again")
    mutating func goes() {
        for host in UInt8(1)...9 { leave(host) }
        for host in UInt8(101)...109 { arrive(host) }
        #expect(loss() == 0)
        leave(101)
        // The registry has one instance less than at its peak.
        #expect(loss(present: 20) == 1)
    }

    @Test("where instances come and go all the time, those that came pay also after they have been away")
    mutating func churn() {
        for host in UInt8(1)...50 { leave(host) }
        for host in UInt8(101)...150 { arrive(host) }
        for host in UInt8(101)...120 { leave(host) }
        for host in UInt8(1)...20 { arrive(host, returns: true) }
        #expect(loss() == 0)
        for host in UInt8(1)...20 { leave(host) }
        for host in UInt8(101)...120 { arrive(host, returns: true) }
        #expect(loss() == 0)
        #expect(ledger.hasReturned(.cart, Instance.sample(101).endpoint))
    }

    @Test("arrivals that go as fast as the rest pay for nothing")
    mutating func goWithTheRest() {
        for host in UInt8(1)...100 { arrive(host) }
        now = .seconds(1)
        for host in UInt8(1)...10 { leave(host) }
        for host in UInt8(201)...210 { leave(host) }
        #expect(loss(present: 180) == 20)
        #expect(ledger.takeLoss(present: 180).count == 20)
    }

    @Test("a pair that was paid stays paid, also when the arrival is out of the window and goes")
    mutating func window() {
        arrive(101)
        now = .seconds(50)
        leave(1)
        #expect(loss() == 0)
        now = .seconds(61)
        leave(101)
        #expect(loss() == 1)
        now = .seconds(121)
        arrive(1, returns: true)
        #expect(loss() == 0 && ledger.count == 1)
    }

    @Test("it remembers no more than the changes of a window")
    mutating func bounded() {
        for second in 0..<1000 {
            now = .seconds(second)
            arrive(UInt8(second % 250))
            leave(UInt8((second + 100) % 250))
            #expect(ledger.count <= 120)
        }
    }
}
