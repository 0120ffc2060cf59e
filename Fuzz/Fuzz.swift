// libFuzzer's entry point to every decoder that reads bytes from outside. `scripts/fuzz` builds and runs it.
import FuzzTargets

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    if let defect = FuzzTarget.run(UnsafeRawBufferPointer(start: start, count: count)) { fatalError(defect) }
    return 0
}
