/// The exit codes of command-line.md that this program uses.
enum ExitStatus {
    static let localPrecondition: Int32 = 4
    static let tampering: Int32 = 5
    static let storeUnusable: Int32 = 6
    static let configuration: Int32 = 78
    static let software: Int32 = 70
}
