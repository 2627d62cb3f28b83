internal import ReferenceValues
public import TPMStructures

/// Counts the register values of the machines of one class. A machine costs some 250 bytes and its name, however many there
/// are: equal values are kept once.
public struct PeerTally: Sendable {
    /// Registers of the layers of the boot.
    static let registers = PCRSet(LayerID.boot.flatMap(\.pcrs.indices)).indices
    /// SHA-1 proves nothing that a stronger bank does not; the strongest first.
    static let banks = HashAlgorithm.allCases.filter { $0 != .sha1 }.sorted {
        ($0.digestSize, $0) > ($1.digestSize, $1)
    }
    private static let cellCount = registers.count * banks.count
    private static let notQuoted: Int32 = -1

    private var names: [String] = []
    /// For each machine one row: the number of its value, by register, then bank.
    private var cells: [Int32] = []
    private var numbers: [Digest: Int32] = [:]
    private var values: [Digest] = []

    public init() {}

    public var machineCount: Int { names.count }

    /// - Parameters:
    ///   - machine: its name, which nobody else in this tally has.
    ///   - values: what its quote signed.
    public mutating func add(_ machine: String, _ values: PCRValues) {
        names.append(machine)
        for pcr in Self.registers {
            for bank in Self.banks { cells.append(values[bank, pcr].map { number(of: $0) } ?? Self.notQuoted) }
        }
    }

    private mutating func number(of value: Digest) -> Int32 {
        if let known = numbers[value] { return known }
        let number = Int32(values.count)
        numbers[value] = number
        values.append(value)
        return number
    }

    public func comparison() -> PeerComparison {
        let columns = (0..<Self.cellCount).map(column)
        var outlying = [Int](repeating: 0, count: names.count)
        for machine in names.indices {
            outlying[machine] = (0..<Self.cellCount).count { isOutlying(machine, $0, columns[$0]) }
        }
        let witnesses = columns.enumerated().map { witness($0.offset, $0.element, outlying) }
        let registers = columns.enumerated().compactMap { register($0.offset, $0.element) }
        var outliers: [PeerComparison.Outlier] = []
        for machine in names.indices.sorted(by: { names[$0] < names[$1] }) where outlying[machine] > 0 {
            for (place, pcr) in Self.registers.enumerated() {
                let cells = Self.banks.indices.map { place * Self.banks.count + $0 }
                guard let cell = cells.first(where: { isOutlying(machine, $0, columns[$0]) }) else { continue }
                outliers += outlier(machine, pcr, cell, columns[cell], witnesses[cell])
            }
        }
        return PeerComparison(machines: names.count, registers: registers, outliers: outliers)
    }

    // MARK: One register of one bank

    private struct Column {
        var machines = 0
        var largest: (value: Int32, count: Int)?
        var distinctValues = 0
        var majority: Int32? {
            largest.flatMap { PeerQuorum.isMajority($0.count, of: machines) ? $0.value : nil }
        }
    }

    private func cell(_ machine: Int, _ cell: Int) -> Int32 { cells[machine * Self.cellCount + cell] }

    private func column(_ place: Int) -> Column {
        var counts: [Int32: Int] = [:]
        var column = Column()
        for machine in names.indices {
            let value = cell(machine, place)
            guard value != Self.notQuoted else { continue }
            column.machines += 1
            counts[value, default: 0] += 1
        }
        column.distinctValues = counts.count
        column.largest = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
        return column
    }

    private func isOutlying(_ machine: Int, _ place: Int, _ column: Column) -> Bool {
        guard let majority = column.majority else { return false }
        let value = cell(machine, place)
        return value != Self.notQuoted && value != majority
    }

    private func witness(_ place: Int, _ column: Column, _ outlying: [Int]) -> Int? {
        guard let majority = column.majority else { return nil }
        return names.indices.filter { cell($0, place) == majority }
            .min { (outlying[$0], names[$0]) < (outlying[$1], names[$1]) }
    }

    private func register(_ place: Int, _ column: Column) -> PeerComparison.Register? {
        let pcr = Self.registers[place / Self.banks.count]
        guard let largest = column.largest, let layer = LayerID.layer(ofUnknownEventIn: pcr) else { return nil }
        let agreement: PeerComparison.Register.Agreement =
            if column.machines < PeerQuorum.minimumMachines {
                .tooFew
            } else if column.majority == nil {
                .noMajority
            } else {
                column.distinctValues == 1 ? .agreed : .majority
            }
        return PeerComparison.Register(
            pcr: pcr, bank: Self.banks[place % Self.banks.count], layer: layer, machines: column.machines,
            agreement: agreement, majority: column.majority.map { values[Int($0)] }, largestCount: largest.count,
            distinctValues: column.distinctValues)
    }

    private func outlier(
        _ machine: Int, _ pcr: PCRIndex, _ place: Int, _ column: Column, _ witness: Int?
    ) -> [PeerComparison.Outlier] {
        guard let largest = column.largest, let witness, let layer = LayerID.layer(ofUnknownEventIn: pcr) else {
            return []
        }
        return [
            PeerComparison.Outlier(
                machine: names[machine], pcr: pcr, layer: layer, bank: Self.banks[place % Self.banks.count],
                majority: values[Int(largest.value)], majorityCount: largest.count, machines: column.machines,
                seen: values[Int(cell(machine, place))], witness: names[witness])
        ]
    }
}
