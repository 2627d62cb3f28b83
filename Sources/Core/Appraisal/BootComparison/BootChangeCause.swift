/// What probably made two boots differ, and what to do about it. A guess from names and places, never a verdict: references
/// and signatures decide.
public struct BootChangeCause: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case tampering
        case secureBootOff = "secure-boot-off"
        case secureBootKeys = "secure-boot-keys"
        case revocationRemoved = "revocation-removed"
        case revocationUpdate = "revocation-update"
        case machineOwnerKeys = "machine-owner-keys"
        case firmwareUpdate = "firmware-update"
        case firmwareChange = "firmware-change"
        case firmwareConfiguration = "firmware-configuration"
        case hardwareChange = "hardware-change"
        case bootOrder = "boot-order"
        case partitions
        case bootLoaderUpdate = "boot-loader-update"
        case bootLoaderConfiguration = "boot-loader-configuration"
        case kernelUpdate = "kernel-update"
        case initrdRebuilt = "initrd-rebuilt"
        case commandLine = "command-line"
        case operatingSystem = "operating-system"
        case bootPath = "boot-path"
        case unknown
    }

    public enum Weight: String, Hashable, Sendable, Codable, Comparable {
        /// Maintenance does this.
        case routine
        /// Somebody must have meant this; ask who.
        case review
        /// Attackers do this.
        case alarming

        private var rank: Int { self == .routine ? 0 : self == .review ? 1 : 2 }
        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    }

    public var cause: Kind
    public var weight: Weight
    /// Places of the changes in the comparison's list.
    public var changes: [Int]
    public var title: String
    public var nextStep: String

    init(_ cause: Kind, changes: [Int]) {
        self.cause = cause
        self.changes = changes
        (weight, title, nextStep) = Self.words(cause)
    }

    private static func words(_ cause: Kind) -> (Weight, String, String) {
        switch cause {
        case .tampering:
            (
                .alarming, "tampering with the log or the boot",
                "Keep the node out, keep both logs, and compare its quote with the log: bootgate node explain."
            )
        case .secureBootOff:
            (
                .alarming, "Secure Boot was switched off or left its normal mode",
                "Switch it on in the firmware's setup; until then the node must not be admitted."
            )
        case .secureBootKeys:
            (
                .review, "Secure Boot keys changed (PK, KEK or db)",
                "Match the new keys with a planned key rotation; without one, treat it as an intrusion."
            )
        case .revocationRemoved:
            (
                .alarming, "revocations were taken back (dbx or SBAT level)",
                "Restore dbx; find out what older boot loader this machine can now start."
            )
        case .revocationUpdate:
            (
                .routine, "revocation update (dbx or SBAT level)",
                "Approve the new values: bootgate reference capture on an updated node, then propose."
            )
        case .machineOwnerKeys:
            (
                .review, "machine owner keys changed (MokList)",
                "Find who enrolled the key (mokutil --list-enrolled); remove it if nobody did."
            )
        case .firmwareUpdate:
            (
                .routine, "firmware update",
                "Match the new version with the maker's release, then approve new values for PCR 0 and 2."
            )
        case .firmwareChange:
            (
                .review, "firmware code changed in part, under the same version",
                "Memory size, CPU count or setup may explain it on virtual machines; on hardware, read the flash and compare."
            )
        case .firmwareConfiguration:
            (
                .review, "firmware configuration or tables changed",
                "Look for a change in the firmware's setup, in memory or in CPU microcode."
            )
        case .hardwareChange:
            (
                .review, "hardware or option ROM added, removed or updated",
                "Look for the device by its path; without a work order, have the machine inspected."
            )
        case .bootOrder:
            (
                .routine, "boot options or their order changed",
                "Installing a boot loader or a removable medium does this; check that the first option is the expected one."
            )
        case .partitions:
            (
                .review, "partition table of the boot disk changed",
                "Compare with lsblk; a new partition may hold another system."
            )
        case .bootLoaderUpdate:
            (
                .routine, "boot loader update (shim, GRUB, systemd-boot)",
                "Match the package's version, then approve the new digests for PCR 4."
            )
        case .bootLoaderConfiguration:
            (
                .review, "boot loader configuration changed",
                "Compare grub.cfg (or loader.conf) with the configuration management's copy."
            )
        case .kernelUpdate:
            (
                .routine, "kernel update",
                "Match the package's version, then approve the new kernel and initrd: bootgate reference capture, propose."
            )
        case .initrdRebuilt:
            (
                .review, "initrd rebuilt without a new kernel",
                "Look for update-initramfs or dracut in the package log; rebuild it elsewhere and compare."
            )
        case .commandLine:
            (
                .review, "kernel command line changed",
                "Read the added and removed options; ima=off, init= or module.sig_enforce=0 are intrusions."
            )
        case .operatingSystem:
            (.review, "the operating system's own measurements changed", "Compare the named modules and settings.")
        case .bootPath:
            (
                .review, "another boot path was taken",
                "Somebody chose another entry, or an attempt failed before this one succeeded."
            )
        case .unknown: (.review, "changes that fit no known pattern", "Look at the events one by one.")
        }
    }
}
