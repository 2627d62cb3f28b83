import Glibc

/// Chosen once, by BOOTGATE_FUZZ_TARGET.
private let target: FuzzTarget = {
    guard let name = getenv("BOOTGATE_FUZZ_TARGET").map({ String(cString: $0) }),
        let target = FuzzTarget(rawValue: name)
    else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        print("bootgate-fuzz: BOOTGATE_FUZZ_TARGET must be one of: \(names)")
        exit(64)
    }
    return target
}()

/// BOOTGATE_FUZZ_TELL: say of each input whether it was accepted. Tools/fuzz asks so for its seeds.
private let tells = getenv("BOOTGATE_FUZZ_TELL") != nil

/// What one input may cost. By the processor's time, not the clock's: a busy machine makes no input slow.
private let mostMilliseconds: Int64 = 1_000

private func processorMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}

/// libFuzzer's entry: must return for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let start = processorMilliseconds()
    let accepted = target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    let spent = processorMilliseconds() - start
    if spent > mostMilliseconds {
        print("bootgate-fuzz: ERROR: this input took \(spent) ms of processor time")
        fflush(nil)
        abort()
    }
    if tells {
        print(accepted ? "bootgate-fuzz: accepted" : "bootgate-fuzz: refused")
        fflush(nil)
    }
    return 0
}
