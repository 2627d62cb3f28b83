/// The exit codes of the three programs (design, command-line.md).
enum ExitStatus: Int32 {
    case done = 0
    case verdictFail = 2
    case refusedBySafetyCheck = 3
    case localPrecondition = 4
    case tamperingFound = 5
    case storeUnusable = 6
    case usage = 64
    case malformedInput = 65
    case unreachable = 69
    case internalError = 70
    case verdictError = 75
    case notAllowed = 77
    case configuration = 78
}
