/// Rows of ``SecurityEventCatalogue``.
enum SecurityEventTable {
    struct Row {
        let id: String
        let severity: SecurityEventSeverity
        let title: String
        let next: String
        init(_ id: String, _ severity: SecurityEventSeverity, _ title: String, _ next: String) {
            self.id = id
            self.severity = severity
            self.title = title
            self.next = next
        }
    }

    static let rows = nodes + enrollment + quotes + eventLogs + runtime + references + service

    private static let explain = "Run 'bootgate node explain NODE' and compare expected and seen value."
    private static let isolate =
        "Keep the node isolated, inspect it, then 'bootgate node clear NODE --verdict ID --reason TEXT'."
    private static let ask = "Find out who enrolled it and from where; refuse unless it was planned."

    private static let nodes: [Row] = [
        Row("NODE_ENROLLED", .info, "Node enrolled", "None; admission needs its first pass."),
        Row(
            "NODE_PENDING", .low, "Node waits for approval",
            "Check the EK against the delivery, then approve or remove."),
        Row("NODE_APPROVED", .info, "Node approved", "None."),
        Row("NODE_TRUSTED", .info, "Node trusted", "None."),
        Row("NODE_UNTRUSTED", .high, "Node untrusted", isolate),
        Row("ADM_STALE", .medium, "Node silent", "Check power, link and agent of the node."),
        Row("NODE_SUSPENDED", .low, "Node suspended", "None; 'bootgate node resume' ends it."),
        Row("NODE_RESUMED", .low, "Node resumed", "None."),
        Row("ID_NODE_REVOKED", .medium, "Node revoked", "None; a revoked node never comes back."),
        Row("NODE_CLEARED", .medium, "Failed verdict cleared", "Check that the person had a reason."),
        Row("NODE_REMOVED", .low, "Node removed", "None; its fails stay with its EK."),
        Row("NODE_ATTEST_REQUESTED", .info, "Evidence requested", "None."),
        Row(
            "NODE_TPM_REPLACEMENT", .medium, "TPM replacement proposed",
            "A second person checks the new EK and approves."),
        Row("NODE_TPM_REPLACED", .medium, "TPM replacement approved", "Check that the repair was planned."),
        Row("MANIFEST_CHANGED", .low, "Factory manifest changed", "None if the import was planned."),
        Row("BOOT_NEW", .info, "Node booted", "None."),
        Row("BOOT_UNEXPECTED", .high, "Node booted outside a maintenance window", "Ask the site; look for tampering."),
        Row(
            "BOOT_WITHOUT_RESET", .high, "Another kernel runs without a reset of the TPM",
            "Find out who started it; reboot the node, so that the TPM measures what runs; then clear."),
        Row(
            "BOOT_KEXEC", .medium, "Another kernel was started by an allowed kexec",
            "None if it was planned; until the next reboot the boot's layers tell of the kernel before."),
        Row("BOOT_ANNOUNCED", .low, "Reboot announced", "None if the maintenance is planned."),
        Row("ADM_BOOT_CHANGED", .low, "Node booted since its verdict", "None; it attests again."),
        Row("ADM_OVERRIDE", .high, "Admission override", "Check who asked for it and when it ends."),
        Row(
            "ADM_OVERRIDE_PROPOSED", .medium, "Admission override proposed",
            "A second person checks the reason, then approves or ends it."),
        Row("FP_CHANGED", .medium, "Asset fingerprint differs", "Run 'bootgate fingerprint diff NODE KIND'."),
        Row("FP_MALFORMED", .high, "Asset fingerprint does not read", "Update or inspect the agent."),
        Row("FP_UNBOUND", .high, "Asset fingerprint not covered by the quote", isolate),
        Row(
            "FP_CLASS_CLAIM", .medium, "Node claims a class of its own",
            "None; the claim was ignored. Inspect the agent."),
        Row(
            "PEER_OUTLIER", .medium, "Node differs from its peers",
            "Run 'bootgate node peers'; find out why this machine alone measures something else."),
        Row("AGENT_TPM_LOCKOUT", .high, "TPM in lockout", "Inspect the node; reset the lockout."),
    ]

    private static let enrollment: [Row] = [
        Row(
            "ID_EK_MISMATCH", .critical, "Node id claimed by another TPM",
            "If the board was replaced: 'node replace-tpm'; else treat as an attack."),
        Row("ID_EK_REUSED", .high, "One TPM under two node ids", ask),
        Row("ID_AK_REUSED", .high, "One attestation key under two node ids", ask),
        Row(
            "ID_AK_CHANGED", .medium, "New attestation key for a known TPM",
            "Approve if the TPM was cleared on purpose."),
        Row("ID_ACTIVATION_FAILED", .high, "Credential activation failed", ask),
        Row("ID_AK_ATTRS", .high, "Key is no attestation key", ask),
        Row("ID_AK_WEAK", .medium, "Weak attestation key", "Update the agent."),
        Row("ID_AK_MALFORMED", .medium, "Attestation key malformed", ask),
        Row("ID_AK_HIERARCHY", .medium, "Attestation key outside the endorsement hierarchy", "Update the agent."),
        Row("ID_NODE_KEY_ATTRS", .high, "Node key is not TPM-resident", ask),
        Row("ID_EK_CERT_KEY", .high, "EK certificate of another TPM", ask),
        Row(
            "ID_EK_CHAIN", .high, "EK certificate chain not trusted",
            "Add the manufacturer's root only after checking it."),
        Row("ID_EK_CERT_PROFILE", .medium, "EK certificate breaks its profile", ask),
        Row("ID_EK_CERT_PARSE", .medium, "EK certificate malformed", ask),
        Row("ID_EK_CERT_EXPIRED", .medium, "EK certificate expired", "Decide by policy."),
        Row(
            "ID_EK_NOT_IN_INVENTORY", .medium, "TPM not in the manifest",
            "Check the EK against the delivery, then approve."),
        Row("ID_TPM_BLOCKED", .high, "TPM model blocked", "Replace the TPM or update its firmware."),
        Row("ID_KEY_ROCA", .high, "Weak RSA key (ROCA)", "Replace the TPM or update its firmware."),
        Row("ID_TOKEN_USED", .medium, "Enrollment token used twice", "Find out who holds the token."),
        Row("ID_CHALLENGE_BINDING", .high, "Enrollment answered by another", ask),
        Row("ID_CHANNEL_BINDING", .high, "Enrollment relayed over another key", ask),
    ]

    private static let quotes: [Row] = [
        Row("QUOTE_MAGIC", .high, "Quote was not made by the TPM", isolate),
        Row("QUOTE_TYPE", .high, "Attestation is no quote", isolate),
        Row("QUOTE_PCR_SELECTION", .high, "Quote over other PCRs", isolate),
        Row("QUOTE_BANK_SET", .high, "PCR banks changed", explain),
        Row("QUOTE_PCR_DIGEST", .high, "PCR values are not those signed", isolate),
        Row("QUOTE_NONCE", .medium, "Quote over another nonce", explain),
        Row("QUOTE_SELECTION_OLD", .info, "Quote of registers that are no longer enough", "None: the node asks again."),
        Row("QUOTE_NONCE_EXPIRED", .low, "Quote came too late", "Check the link of the node."),
        Row("QUOTE_REPLAY", .medium, "Evidence replayed", "Look for somebody between node and verifier."),
        Row("QUOTE_SIGNATURE", .high, "Quote signature wrong", isolate),
        Row("QUOTE_SIGNER", .high, "Quote by another key", isolate),
        Row("QUOTE_SIG_ALG", .high, "Quote signature algorithm wrong", isolate),
        Row("QUOTE_MALFORMED", .medium, "Quote malformed", "Update or inspect the agent."),
        Row("QUOTE_RESET_UNEXPLAINED", .critical, "TPM reset without a boot", isolate),
        Row("QUOTE_RESTART", .high, "TPM restarted with kept state", isolate),
        Row("QUOTE_CLOCK_ROLLBACK", .critical, "TPM counters went back", isolate),
        Row("QUOTE_CLOCK_UNSAFE", .low, "TPM clock not safe", "None; normal after a power cut."),
        Row("EVIDENCE_MISSING", .medium, "Evidence incomplete", "Check the node's link and what its agent logs."),
        Row(
            "APPRAISAL_FAILED", .medium, "Appraisal ended by an error",
            "Report it with the verifier's log; the node attests again by itself."),
        Row("QUOTE_TPM_FIRMWARE", .medium, "TPM firmware changed", "Check that the update was planned."),
    ]

    private static let eventLogs: [Row] = [
        "LOG_TYPE", "LOG_REPLAY", "LOG_SEPARATOR", "LOG_AFTER_BOOT", "LOG_DUPLICATE", "LOG_DATA_DIGEST",
        "LOG_BANK_UNUSED", "LOG_NO_EXIT_BOOT", "LOG_NO_ACTION", "LOG_STARTUP_LOCALITY", "LOG_HEADER", "LOG_DIGEST_LIST",
        "LOG_PCR_INDEX", "LOG_TRUNCATED", "LOG_VARIABLE", "LOG_SIGLIST", "LOG_DEPTH", "LOG_FORMAT", "LOG_MISSING",
    ].map { Row($0, .high, "Boot event log does not hold", explain) }

    private static let runtime: [Row] = [
        Row("IMA_UNKNOWN_FILE", .high, "Unknown file run or read", isolate),
        Row("IMA_DIGEST", .high, "Known file with other content", isolate),
        Row("IMA_ALG", .high, "File digest of another algorithm than its reference", explain),
        Row("IMA_SIGNATURE", .high, "File signature not accepted", isolate),
        Row("IMA_VIOLATION", .high, "File changed while it was measured", explain),
        Row("IMA_TEMPLATE", .high, "Measurement list malformed", isolate),
        Row("IMA_TEMPLATE_DIGEST", .high, "Measurement list was edited", isolate),
        Row("IMA_REPLAY", .high, "Measurement list is not what was measured", isolate),
        Row(
            "IMA_OFFSET", .low, "Measurement list does not continue where it ended",
            "The node is told where to go on; if it repeats, look at its agent."),
        Row("IMA_TRIMMED", .high, "Measurement list begins late", isolate),
        Row("IMA_BOOT_AGGREGATE", .high, "Measurement list of another boot", isolate),
        Row("IMA_KEXEC", .high, "Another kernel started without a boot", isolate),
        Row("IMA_NOT_ACTIVE", .high, "File measurement is off or weakened", isolate),
        Row("IMA_POLICY_CHANGED", .high, "Another measurement policy was loaded", isolate),
        Row("IMA_POLICY_WEAK", .medium, "Measurement policy leaves files out", "Add the rules that it names."),
    ]

    private static let references: [Row] = [
        Row("REF_SECUREBOOT", .high, "Secure Boot differs from the reference", isolate),
        Row("REF_MOK", .high, "Machine owner keys differ from the reference", isolate),
        Row("REF_CMDLINE", .high, "Kernel command line differs from the reference", isolate),
        Row("REF_REVOKED_COMPONENT", .high, "Revoked boot component", isolate),
        Row(
            "REF_DBX_STALE", .medium, "dbx lacks known revocations",
            "Install the vendor's dbx update (fwupdmgr), then approve the new values."),
        Row(
            "REF_SBAT_STALE", .medium, "SBAT level lacks known revocations",
            "Update shim, set its latest SBAT policy (mokutil --set-sbat-policy), then approve the new values."),
        Row("REVOCATIONS_CHANGED", .medium, "Revocation feed imported", "Check that the import was planned."),
        Row(
            "REVOCATIONS_STALE", .medium, "Revocation feed is old",
            "Import a newer one: bootgate reference revocations import."),
        Row("REF_UNKNOWN_COMPONENT", .high, "Unknown boot component", explain),
        Row("REF_MISSING_COMPONENT", .high, "Expected boot component missing", explain),
        Row("REF_EXPIRED", .high, "Reference set expired", "Approve and activate a new version."),
        Row("POL_MISSING", .medium, "No reference set is active", "Approve and activate a set for the group."),
        Row(
            "REF_EXPIRES", .medium, "Reference set ends soon",
            "Propose, approve and activate a version with a later end."),
        Row(
            "REF_PREVIEW", .medium, "Activation refused: too many nodes would fail",
            "Run 'bootgate reference preview'; repair the set, or let a second person accept the failures."),
        Row(
            "REF_FAILURES_ACCEPTED", .high, "Activation in spite of failing nodes",
            "Check that the change was planned and the nodes are known."),
        Row(
            "REF_ROLLED_BACK", .high, "Reference set rolled back",
            "Run 'bootgate reference show --history'; look at the nodes that still fail."),
        Row("REF_CHANGED", .medium, "Reference set changed", "Check that the change was planned."),
        Row(
            "REF_NEEDS_APPROVAL", .medium, "Approval of an own proposal refused",
            "A second person, with another key, approves."),
        Row(
            "REF_CONTENT_CHANGED", .critical, "Reference document is not the one proposed",
            "Verify the audit log; look for changes in the database."),
        Row("REF_ROLLBACK", .high, "Older version of a reference set refused", "Upload a higher version."),
        Row(
            "REF_SIGNATURE", .high, "Signature of a reference document refused",
            "Fetch the document again from its source."),
        Row("ROLLOUT_STARTED", .medium, "Staged activation started", "Check that the change is planned."),
        Row("ROLLOUT_ADVANCED", .info, "Staged activation goes on", "None."),
        Row("ROLLOUT_COMPLETED", .low, "Staged activation complete", "None."),
        Row(
            "ROLLOUT_HALTED", .high, "Staged activation halted",
            "Run 'bootgate reference rollout show NAME'; draft the repaired set as a new version."),
        Row("PLAN_CREATED", .medium, "Change plan created", "Check that the change is planned."),
        Row("PLAN_NODE_UPDATED", .info, "Node updated under a plan", "None; its old values are over."),
        Row(
            "PLAN_NODE_MISSED", .medium, "Node missed the window of its plan",
            "Update it under a new plan, or leave it: its old values go on to hold."),
        Row("PLAN_CLOSED", .medium, "Change plan closed", "Look at the nodes that were not updated."),
        Row("FP_BASELINE_CHANGED", .medium, "Fingerprint baseline changed", "Check that the change was planned."),
        Row("GROUP_SETTINGS_CHANGED", .medium, "Group settings changed", "Check that the change was planned."),
    ]

    private static let service: [Row] = [
        Row("OPERATOR_CHANGED", .medium, "Operators or roles changed", "Check that the change was planned."),
        Row("API_ROLE", .high, "Call refused: role", "Find out why the caller tried."),
        Row("API_IDENTITY", .high, "Call refused: node speaks for another", "Treat as an attack; inspect the node."),
        Row(
            "API_TLS_PEER", .low, "Connection refused: certificate",
            "Renew the peer's certificate; many sources are a scan."),
        Row("API_TRUST_RELOAD", .high, "New certificates refused", "Repair the files; the old ones stay in use."),
        Row("API_CERTIFICATE_ENDS", .medium, "Verifier certificate ends soon", "Renew it."),
        Row("SIEM_TEST", .info, "Test event", "None."),
        Row("SIEM_BACKLOG", .high, "SIEM destination is behind", "Check the SIEM and 'bootgate siem list'."),
        Row(
            "SIEM_FOLDED", .high, "Events folded: outbox over its cap",
            "Repair the SIEM; alarms are still in 'bootgate alarm list'."),
        Row(
            "SIEM_DESTINATION_REMOVED", .medium, "SIEM destination no longer configured",
            "Configure it again, or give its events up with 'bootgate siem drop'."),
        Row("SIEM_DESTINATION_DROPPED", .high, "SIEM destination given up", "Check that this was planned."),
        Row("SIEM_DELIVERED", .info, "SIEM destination caught up", "None."),
        Row("VERIFIER_STARTED", .info, "Verifier started", "None."),
        Row("AUDIT_TRUNCATED", .critical, "Audit log was cut", "Stop; restore and compare with the SIEM."),
        Row("STORE_TAMPERED", .critical, "Stored record was edited", "Stop; find out who wrote to the database."),
        Row("STORE_CORRUPT", .critical, "Store corrupt", "Restore from backup."),
        Row("STORE_MISSING", .critical, "Store missing", "Mount the volume or restore from backup."),
        Row("STORE_POISON", .high, "Stored record cannot be read", "Report it; the rest is served."),
        Row("LOAD_QUARANTINE", .critical, "Evidence that crashes the verifier", "Report it with the stored evidence."),
    ]
}
