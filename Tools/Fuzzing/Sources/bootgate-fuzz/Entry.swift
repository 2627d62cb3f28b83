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

/// libFuzzer's entry: must return for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let accepted = target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    if tells {
        print(accepted ? "bootgate-fuzz: accepted" : "bootgate-fuzz: refused")
        fflush(nil)
    }
    return 0
}
