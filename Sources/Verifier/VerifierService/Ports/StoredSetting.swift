/// Keys of ``OversightReading/setting(_:)``: small facts of the verifier that more than one room reads.
package enum StoredSetting {
    /// `true` where `init` allowed one operator to propose and approve.
    package static let labMode = "lab-mode"
    /// Prefix: the lowest threshold in days already announced for a certificate (TA-21).
    package static let certificateAlarm = "certificate-alarm."
}
