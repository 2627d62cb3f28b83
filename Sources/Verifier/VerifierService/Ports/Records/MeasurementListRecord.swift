/// The kernel's measurement list of one boot of an AK, up to the last entry that a quote stood for. Its bytes lie beside it.
package struct MeasurementListRecord: Hashable, Sendable {
    package var akName: [UInt8]
    /// Counters of the boot, as the AK signed them: another boot's list is another list (IM-07).
    package var resetCount: UInt32
    package var restartCount: UInt32
    /// Self-reported; only tells where the node may begin to send.
    package var bootID: String?
    /// Bytes of the list that are stored: where the next stretch begins.
    package var byteCount: Int
    /// Canonical bytes of the replay's state behind them (IMACheckpoint).
    package var checkpoint: [UInt8]
    /// What the references said of the entries, as JSON (RuntimeSummary).
    package var summary: [UInt8]

    package init(
        akName: [UInt8], resetCount: UInt32, restartCount: UInt32, bootID: String?, byteCount: Int,
        checkpoint: [UInt8], summary: [UInt8]
    ) {
        self.akName = akName
        self.resetCount = resetCount
        self.restartCount = restartCount
        self.bootID = bootID
        self.byteCount = byteCount
        self.checkpoint = checkpoint
        self.summary = summary
    }
}
