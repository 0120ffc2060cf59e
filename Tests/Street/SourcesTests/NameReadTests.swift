import Services
import Testing

@testable import Sources

@Suite("reads of single names")
struct NameReadTests {
    private var driver = MachineDriver.following()

    /// Names are asked for, and the time passes until they are read.
    private mutating func ask(_ names: String...) {
        #expect(driver.hear(.requested(.names(names))) == [])
        #expect(driver.pass(.milliseconds(100)) == ["prepare"])
        #expect(driver.prepare() == names.map { "read \($0)" })
    }

    @Test("names that follow the first within the gathering time are read with it, and everything instead of too many")
    mutating func gathering() {
        #expect(driver.hear(.requested(.names(["c"]))) == [])
        #expect(driver.pass(.milliseconds(99)) == [])
        #expect(driver.hear(.requested(.names(["a", "c"]))) == [])
        #expect(driver.pass(.milliseconds(1)) == ["prepare"])
        #expect(driver.prepare() == ["read a", "read c"])
        #expect(driver.read("a", [1]) == ["a: 1"])
        #expect(driver.read("c", []) == ["c: "])
        let many = (0...ReadRequests.maximumNames).map { "\($0)" }
        #expect(driver.hear(.requested(.names(many))) == ["list"])
    }

    @Test("a request for everything is served at once")
    mutating func everything() {
        _ = driver.hear(.requested(.names(["a"])))
        #expect(driver.hear(.requested(.everything)) == ["list"])
        #expect(driver.list(["a"]) == ["begin", "read a"])
        #expect(driver.read("a", []) == ["a: ", "complete"])
        #expect(driver.deadline == nil)
    }

    @Test("names that are asked for during a full read are read after it")
    mutating func duringFullRead() {
        _ = driver.hear(.requested(.everything))
        _ = driver.hear(.requested(.names(["a"])))
        _ = driver.list(["a"])
        #expect(driver.hear(.requested(.names(["b"]))) == [])
        #expect(driver.read("a", []) == ["a: ", "complete"])
        #expect(driver.pass(.milliseconds(100)) == ["prepare"])
        #expect(driver.prepare() == ["read a", "read b"])
    }

    @Test("a name that is asked for again while it is read is read once more")
    mutating func again() {
        ask("a")
        #expect(driver.hear(.requested(.names(["a"]))) == [])
        #expect(driver.read("a", [1]) == ["a: 1"])
        #expect(driver.pass(.milliseconds(100)) == ["prepare"])
    }

    @Test("where the preparation fails everything is read; a missing root says nothing of a name")
    mutating func preparation() {
        _ = driver.hear(.requested(.names(["a"])))
        _ = driver.pass(.milliseconds(100))
        #expect(driver.failPrepare(.passing) == ["list"])
        _ = driver.list([])
        _ = driver.hear(.requested(.names(["a"])))
        _ = driver.pass(.milliseconds(100))
        #expect(driver.failPrepare(.missing) == ["interrupted"])
    }

    @Test("what fails for a passing reason is read again after growing pauses, what is refused after a long one")
    mutating func retries() {
        for (cause, pauses) in [(ReadFailure.Cause.passing, [5, 10, 20, 40]), (.refused, [300, 300])] {
            driver = .following()
            ask("a")
            for pause in pauses {
                #expect(driver.failRead("a", cause) == ["a is unreadable"])
                #expect(driver.deadline == .seconds(pause))
                #expect(driver.pass(.seconds(pause)) == [])
                #expect(driver.pass(.milliseconds(100)) == ["prepare"])
                #expect(driver.prepare() == ["read a"])
            }
            #expect(driver.read("a", []) == ["a: "])
            #expect(driver.deadline == nil)
        }
    }

    @Test("the pauses go on growing when a full read in between finds the name no better")
    mutating func retriesAcrossFullReads() {
        driver = MachineDriver()
        _ = driver.connect()
        for pause in [5, 10, 20] {
            _ = driver.list(["a"])
            #expect(driver.failRead("a", .passing) == ["a is unreadable", "complete"])
            #expect(driver.deadline == .seconds(pause))
            #expect(driver.hear(.requested(.everything)) == ["list"])
        }
    }

    @Test("a list that is too long is read again when a registration leaves it, and not at once after each")
    mutating func tooLong() {
        ask("a")
        #expect(driver.failRead("a", .lasting) == ["a is unreadable"])
        #expect(driver.deadline == nil)
        #expect(driver.change(.added("a", 1, at: 5)) == ["a + 1"])
        #expect(driver.deadline == nil)
        #expect(driver.change(.removed("a", 2, at: 6)) == ["a -"])
        #expect(driver.deadline == .seconds(5))
        #expect(driver.pass(.seconds(5)) == ["read a"])
        #expect(driver.failRead("a", .lasting) == ["a is unreadable"])
        #expect(driver.pass(.seconds(60)) == [])
        #expect(driver.change(.removed("a", 3, at: 7)) == ["a -", "read a"])
    }

    @Test("a name with nothing usable is read as soon as that may have changed")
    mutating func unusable() {
        driver = MachineDriver()
        _ = driver.connect()
        _ = driver.list(["a"], at: 1)
        let nothing = Reading(.unusable(reason: "bad"), unusableCount: 1, position: 2)
        #expect(driver.read("a", nothing) == ["a is unreadable", "complete"])
        #expect(driver.pass(.milliseconds(100)) == [])
        #expect(driver.change(.added("a", 1, at: 3)) == ["a + 1", "read a"])
        #expect(driver.read("a", nothing) == ["a is unreadable"])
        #expect(driver.change(.unusableLeft(name: "a", position: 4)) == [])
        #expect(driver.pass(.milliseconds(100)) == ["read a"])
        #expect(driver.read("a", [], at: 5) == ["a: "])
    }

    @Test("an answer of which nothing is shown makes no event old")
    mutating func unusableOrder() {
        driver = .following(["a"], at: 5)
        _ = driver.change(.added("a", 2, at: 6))
        ask("a")
        let nothing = Reading(.unusable(reason: "bad"), unusableCount: 1, position: 9)
        #expect(driver.read("a", nothing) == ["a is unreadable"])
        #expect(driver.change(.removed("a", 2, at: 8)) == ["a -"])
    }

    @Test("an empty answer counts only for a name that was quiet since it was asked for")
    mutating func disturbed() {
        driver = .following(["a"], at: 5)
        _ = driver.change(.removed("a", 1, at: 6))
        _ = driver.hear(.requested(.names(["a"])))
        #expect(driver.change(.added("a", 1, at: 7)) == ["a + 1"])
        _ = driver.pass(.milliseconds(100))
        _ = driver.prepare()
        #expect(driver.change(.removed("a", 1, at: 8)) == ["a -"])
        #expect(driver.read("a", [], at: 9) == [])
        #expect(driver.pass(.milliseconds(100)) == ["prepare"])
        _ = driver.prepare()
        #expect(driver.read("a", [], at: 10) == ["a: "])
    }

    @Test("an event that overtook the answer is added to it, and one that the answer shows is old")
    mutating func order() {
        driver = .following(["a"], at: 5)
        ask("a")
        #expect(driver.change(.added("a", 2, at: 8)) == ["a + 2"])
        #expect(driver.read("a", [1], at: 7) == ["a: 1 2"])
        ask("a")
        #expect(driver.read("a", [1, 3], at: 12) == ["a: 1 3"])
        #expect(driver.change(.removed("a", 3, at: 11)) == [])
        #expect(driver.change(.removed("a", 3, at: 13)) == ["a -"])
    }

    @Test("a name that changed is read at once, and again where it changed during the read")
    mutating func changed() {
        #expect(driver.change(.changed(name: "a")) == ["read a"])
        #expect(driver.change(.changed(name: "a")) == [])
        #expect(driver.change(.changed(name: "a")) == [])
        #expect(driver.read("a", [1]) == ["a: 1", "read a"])
        #expect(driver.read("a", [2]) == ["a: 2"])
    }

    @Test("a push is shown at once, an older one or an older answer is not")
    mutating func pushed() {
        #expect(driver.change(.pushed(name: "a", .sample("a", [1], position: 5))) == ["a: 1"])
        #expect(driver.change(.pushed(name: "a", .sample("a", [2], position: 4))) == [])
        ask("a")
        #expect(driver.change(.pushed(name: "a", .sample("a", [3], position: 7))) == ["a: 3"])
        #expect(driver.read("a", [1], at: 6) == [])
        // Without positions nothing tells which is newer.
        ask("b")
        #expect(driver.change(.pushed(name: "b", .sample("b", [3]))) == ["b: 3"])
        #expect(driver.read("b", [1]) == ["read b"])
        #expect(driver.read("b", [4]) == ["b: 4"])
    }
}

@Suite("what a follower tells people")
struct FollowerReportTests {
    private var driver = MachineDriver()

    @Test("a failure that goes on is counted, until a read is complete")
    mutating func counted() {
        for _ in 0..<20 { _ = driver.change(.disconnected(reason: "refused")) }
        _ = driver.connect()
        _ = driver.list([])
        _ = driver.change(.disconnected(reason: "refused"))
        let failures = driver.reports.compactMap { report in
            if case .disconnected(_, let failures) = report { failures } else { nil }
        }
        #expect(failures == Array(1...20) + [1])
    }

    @Test("a poll that finds nothing new is no news")
    mutating func polls() {
        driver = .following(["a"], pollInterval: .seconds(10))
        for numbers in [[1], [1], [1, 2]] {
            _ = driver.pass(.seconds(10))
            _ = driver.list(["a"])
            _ = driver.read("a", numbers)
        }
        let news = driver.reports.compactMap { if case .read(_, let isNews) = $0 { isNews } else { nil } }
        #expect(news == [true, false, false, true])
    }
}
