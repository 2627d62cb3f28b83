/// How many machines it takes to call one of them an outlier (decision 0026).
public enum PeerQuorum {
    /// Fewer machines that show a register are not compared in it: of two that differ, nobody knows which one is odd.
    public static let minimumMachines = 3
    /// A value is the majority's where at least two of three machines hold it.
    public static let text = "two thirds of at least \(minimumMachines) machines"

    static func isMajority(_ count: Int, of machines: Int) -> Bool {
        machines >= minimumMachines && 3 * count >= 2 * machines
    }
}
