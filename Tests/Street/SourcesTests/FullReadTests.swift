import Services
import Testing

@testable import Sources

@Suite("full reads")
struct FullReadTests {
    private var driver = MachineDriver()

    @Test("after each connection the names are listed and read, framed")
    mutating func frame() {
        #expect(driver.connect() == ["list"])
        #expect(driver.list(["a", "b"]) == ["begin", "read a", "read b"])
        #expect(driver.read("b", [2]) == ["b: 2"])
        #expect(driver.read("a", [1]) == ["a: 1", "complete"])
        #expect(driver.change(.disconnected(reason: "lost")) == ["interrupted"])
        #expect(driver.connect() == ["list"])
        #expect(driver.list([]) == ["begin", "complete"])
        #expect(driver.deadline == nil)
    }

    @Test("no more names are read at once than the reader permits, those that were given up included")
    mutating func limit() {
        driver = MachineDriver(readLimit: 2)
        _ = driver.connect()
        #expect(driver.list(["a", "b", "c"]) == ["begin", "read a", "read b"])
        #expect(driver.read("a", []) == ["a: ", "read c"])
        _ = driver.change(.disconnected(reason: "lost"))
        _ = driver.connect()
        #expect(driver.list(["d"]) == ["begin"])
    }

    @Test("an answer of a read that was given up counts for nothing, and makes room")
    mutating func late() {
        driver = MachineDriver(readLimit: 1)
        _ = driver.connect()
        _ = driver.list(["a"])
        _ = driver.change(.disconnected(reason: "lost"))
        _ = driver.connect()
        #expect(driver.list(["a", "b"]) == ["begin"])
        #expect(driver.read("a", [1]) == ["read a"])
        #expect(driver.read("a", [2]) == ["a: 2", "read b"])
        #expect(driver.read("b", []) == ["b: ", "complete"])
    }

    @Test("failed full reads have growing pauses between them; a connection ends the pause")
    mutating func pauses() {
        _ = driver.connect()
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            #expect(driver.failList(.passing) == ["interrupted"])
            #expect(driver.deadline == .seconds(pause))
            #expect(driver.pass(.seconds(pause) - .milliseconds(1)) == [])
            #expect(driver.pass(.milliseconds(1)) == ["list"])
        }
        #expect(driver.failList(.overloaded) == ["interrupted"])
        #expect(driver.connect() == ["list"])
        #expect(driver.list([]) == ["begin", "complete"])
        #expect(driver.change(.changesLost(reason: "overflow")) == ["list"])
        #expect(driver.failList(.refused) == ["interrupted"])
        #expect(driver.deadline == .seconds(1))
    }

    @Test("a missing root is never an empty answer; reading waits for the reader, or for a request")
    mutating func missing() {
        _ = driver.connect()
        #expect(driver.failList(.missing) == ["interrupted"])
        #expect(driver.deadline == nil)
        #expect(driver.change(.added("a", 1, at: 5)) == [])
        #expect(driver.hear(.requested(.names(["a"]))) == ["list"])
        #expect(driver.failList(.missing) == ["interrupted"])
        #expect(driver.change(.outdated(reason: "made")) == ["list"])
        #expect(driver.list([]) == ["begin", "complete"])
        #expect(driver.change(.missing(reason: "gone")) == ["interrupted"])
    }

    @Test("a root that is made while the answer that it is missing is on its way is read")
    mutating func madeMeanwhile() {
        _ = driver.connect()
        #expect(driver.change(.outdated(reason: "made")) == [])
        #expect(driver.failList(.missing) == ["interrupted", "list"])
    }

    @Test("a list that can't be read concerns its own name; a busy registry or a lost connection ends the read")
    mutating func partial() {
        _ = driver.connect()
        _ = driver.list(["a", "b"])
        #expect(driver.failRead("a", .passing) == ["a is unreadable"])
        #expect(driver.read("b", [2]) == ["b: 2", "complete"])
        _ = driver.hear(.requested(.everything))
        _ = driver.list(["a", "b"])
        #expect(driver.failRead("a", .overloaded) == ["interrupted"])
        #expect(driver.read("b", [2]) == [])
        #expect(driver.pass(.seconds(1)) == ["list"])
        _ = driver.list(["a", "b"])
        #expect(driver.failRead("b", .disconnected) == ["interrupted"])
        #expect(driver.deadline == nil)
    }

    @Test("whoever asks, or loses changes, during a full read has another one after it")
    mutating func again() {
        for input: FollowerStateMachine.Input in [.requested(.everything), .changed(.changesLost(reason: "overflow"))] {
            driver = MachineDriver()
            _ = driver.connect()
            #expect(driver.hear(input) == [])
            _ = driver.list(["a"])
            #expect(driver.hear(input) == [])
            #expect(driver.read("a", []) == ["a: ", "complete", "list"])
        }
    }

    @Test("a polled registry is read again after each interval")
    mutating func polling() {
        driver = .following(["a"], pollInterval: .seconds(10))
        #expect(driver.deadline == .seconds(10))
        #expect(driver.pass(.seconds(10)) == ["list"])
        #expect(driver.deadline == nil)
        #expect(driver.list(["b"]) == ["begin", "read b"])
        #expect(driver.read("b", [2]) == ["b: 2", "complete"])
        #expect(driver.deadline == .seconds(10))
    }

    @Test("one answer may have everything; only newer events are added to it")
    mutating func snapshot() {
        _ = driver.connect()
        #expect(driver.change(.added("a", 2, at: 9)) == [])
        #expect(driver.change(.removed("a", 3, at: 12)) == [])
        #expect(driver.change(.added("b", 4, at: 13)) == [])
        #expect(driver.change(.added("c", 5, at: 8)) == [])
        let listing = Listing(readings: ["a": .sample("a", [1, 3], position: 10)], position: 10)
        #expect(driver.list(listing) == ["begin", "a: 1 3", "a -", "b + 4", "complete"])
    }
}

@Suite("events during a full read")
struct EventsDuringFullReadTests {
    private var driver = MachineDriver()

    @Test("they pass at once, before the names are known and after it")
    mutating func pass() {
        driver = .following(["a"], at: 10)
        _ = driver.hear(.requested(.everything))
        #expect(driver.change(.added("a", 2, at: 11)) == ["a + 2"])
        _ = driver.list(["a", "b"], at: 12)
        #expect(driver.change(.added("a", 3, at: 13)) == ["a + 3"])
        #expect(driver.change(.added("c", 4, at: 14)) == ["c + 4"])
        #expect(driver.read("b", [], at: 15) == ["b: "])
        #expect(driver.change(.added("b", 5, at: 16)) == ["b + 5"])
        #expect(driver.read("a", [1, 2, 3], at: 17) == ["a: 1 2 3", "a + 3", "complete"])
    }

    @Test("after a lost connection none passes before the frame begins, since the read shows them")
    mutating func held() {
        _ = driver.connect()
        #expect(driver.change(.added("a", 1, at: 2)) == [])
        _ = driver.list(["a"], at: 3)
        #expect(driver.change(.added("a", 1, at: 2)) == [])
        #expect(driver.read("a", [1], at: 4) == ["a: 1", "complete"])
    }

    @Test("one that is newer than the answer after it is added to the answer")
    mutating func newer() {
        _ = driver.connect()
        _ = driver.list(["a"], at: 3)
        #expect(driver.change(.added("a", 2, at: 6)) == ["a + 2"])
        #expect(driver.change(.removed("a", 1, at: 7)) == ["a -"])
        #expect(driver.read("a", [1], at: 5) == ["a: 2", "complete"])
    }

    @Test("one that the answer takes back is taken back in both views, since its own end counts as old")
    mutating func older() {
        _ = driver.connect()
        _ = driver.list(["a"], at: 3)
        #expect(driver.change(.added("a", 2, at: 4)) == ["a + 2"])
        #expect(driver.read("a", [1], at: 9) == ["a: 1", "a -", "complete"])
        #expect(driver.change(.removed("a", 2, at: 6)) == [])
    }

    @Test("where too many wait for their answer no more are applied, and the name is read again")
    mutating func tooMany() {
        _ = driver.connect()
        _ = driver.list(["a"], at: 1)
        for number in 0..<OverlappingEvents.limit {
            #expect(driver.change(.added("a", number, at: Position(number + 2))).count == 1)
        }
        #expect(driver.change(.added("a", OverlappingEvents.limit, at: 100_000)) == [])
        #expect(driver.read("a", [], at: 1).suffix(2) == ["complete", "read a"])
    }

    @Test("an instance that changes all the time takes one place of the events that are noted")
    mutating func oneInstance() {
        _ = driver.connect()
        _ = driver.list(["a", "b"], at: 1)
        for number in 0..<EventsByName.limit + 10 {
            #expect(driver.change(.added("a", 1, at: Position(number + 2))).count == 1)
        }
        #expect(driver.change(.added("b", 2, at: 200_000)) == ["b + 2"])
    }

    @Test("the events about a name that was answered make room for others; what finds none is read again")
    mutating func room() {
        let names = (0...EventsByName.limit / OverlappingEvents.limit).map { "n\($0)" }
        _ = driver.connect()
        _ = driver.list(names, at: 1)
        var position: Position = 2
        for name in names.dropLast() {
            for number in 0..<OverlappingEvents.limit {
                #expect(driver.change(.added(name, number, at: position)).count == 1)
                position += 1
            }
        }
        let last = names[names.count - 1]
        #expect(driver.change(.added(last, 1, at: position)) == [])
        _ = driver.read(names[0], [], at: position + 1)
        #expect(driver.change(.added(last, 2, at: position + 2)) == ["\(last) + 2"])
        for name in names.dropFirst().dropLast() { _ = driver.read(name, [], at: position + 1) }
        #expect(driver.read(last, [1], at: position + 1).suffix(2) == ["complete", "read \(last)"])
    }

    @Test("a change that only a read can tell is read after the frame, unless the read has yet to start")
    mutating func changed() {
        driver = MachineDriver(readLimit: 1)
        _ = driver.connect()
        _ = driver.list(["a", "b"])
        #expect(driver.change(.changed(name: "b")) == [])
        #expect(driver.change(.changed(name: "a")) == [])
        #expect(driver.read("a", [1]) == ["a: 1", "read b"])
        #expect(driver.read("b", [2]) == ["b: 2", "complete", "read a"])
    }

    @Test("a push is shown after the frame; of a push and a late answer the newer one counts")
    mutating func pushed() {
        _ = driver.connect()
        _ = driver.list(["a", "b", "c"])
        #expect(driver.change(.pushed(name: "a", .sample("a", [2], position: 8))) == [])
        #expect(driver.read("a", [1], at: 7) == ["a: 2"])
        #expect(driver.read("b", [1], at: 7) == ["b: 1"])
        #expect(driver.change(.pushed(name: "b", .sample("b", [2], position: 8))) == [])
        #expect(driver.change(.pushed(name: "c", .sample("c", [2], position: 8))) == [])
        #expect(driver.read("c", [3], at: 9) == ["c: 3", "complete", "b: 2"])
    }
}
