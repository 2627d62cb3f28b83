"""Boot event logs, by `bootgate inspect eventlog`."""

import collections
import re

from . import Line

KIND = "eventlogs"
BANKS = {"sm3_256": "sm3-256"}


def compare(item, corpus, product):
    line = Line(item["file"])
    expected = item.get("expected") or {}
    if "parse" not in expected:
        line.fact("describes another file")
        return line
    code, report, words = product.json("inspect", "eventlog", corpus.path(item["file"]))
    parses = expected["parse"] == "ok"
    line.check("parse", "ok" if parses else "refused", "ok" if report else "refused" if code == 65 else f"exit {code}")
    if report is None:
        line.fact(words)
        return line
    if parses:
        check(line, item, expected, report)
    return line


def check(line, item, expected, report):
    registers = report.get("registers")
    line.fact(f"{report['format']}{' CC' if registers is not None else ''}, {report['eventCount']} events, "
              f"banks {' '.join(report['banks'])}")
    if "events" in expected:
        line.check("events", expected["events"], report["eventCount"])
    line.check("padding", expected.get("trailing_padding_bytes", 0), report["paddingBytes"])
    line.check("startup locality", expected.get("startup_locality", 0), report["startupLocality"])
    if "banks" in item:
        line.check("banks", sorted(BANKS.get(bank, bank) for bank in item["banks"]), sorted(report["banks"]))
    if "event_types" in item:
        ours = collections.Counter(event["untrustedType"].lower() for event in report["events"])
        line.check("event types", {name.lower(): count for name, count in item["event_types"].items()}, dict(ours))
    for bank, values in expected.get("replayed_pcrs", {}).items():
        line.check_values(f"replayed {bank}", values, report["pcrs"].get(BANKS.get(bank, bank), {}))
    for bank, values in expected.get("replayed_rtmr", {}).items():
        line.check_values(f"replayed {bank} registers", values, (registers or {}).get(BANKS.get(bank, bank), {}))
    documented(line, expected, report)
    words(line, item, expected, report)
    check_quirks(line, item, report)


def documented(line, expected, report):
    """What the source recorded, mostly read from the TPM, for the registers that the log extends."""
    differing = []
    for bank, values in expected.get("documented_pcrs", {}).items():
        ours = report["pcrs"].get(BANKS.get(bank, bank), {})
        line.check_values(f"documented {bank}", values, ours, strictly=False)
        differing += [f"{bank}:{index}" for index, value in values.items() if ours.get(index, value) != value]
    if "documented_pcrs" in expected:
        known = set(expected.get("replay_differs_from_documented_at", []))
        agrees = expected.get("replay_agrees_with_documented", True)
        line.check("documented values", sorted(known) if known or agrees else "a difference", sorted(differing))
    for name, value in expected.get("documented_rtmr", {}).items():
        ours = (report.get("registers") or {}).get("sha384", {})
        line.check(name, value, ours.get(f"mr{int(name.removeprefix('rtmr')) + 1}"))


def words(line, item, expected, report):
    events = report["events"]
    variables = [event["description"] for event in events if event["untrustedType"] == "EV_EFI_VARIABLE_DRIVER_CONFIG"]
    if "secure_boot_variable" in expected:
        states = {"= 01": "enabled", "= 00": "disabled", "= (empty)": "empty variable data"}
        own = [text for text in variables if ": SecureBoot (EFI_GLOBAL_VARIABLE)" in text]
        ours = [state for text in own for end, state in states.items() if text.endswith(end)]
        # The manifest says "disabled" also of a log without the variable.
        line.check("SecureBoot", expected["secure_boot_variable"], ours[0] if ours else "disabled")
    if "kernel_command_line" in expected:
        found = any(expected["kernel_command_line"] in event["description"] for event in events)
        line.check("kernel command line", True, found)
    if "firmware_version_string" in item:
        versions = [event["description"] for event in events if event["untrustedType"] == "EV_S_CRTM_VERSION"]
        line.check("firmware version", True, any(item["firmware_version_string"] in text for text in versions))
    for bank, digests in expected.get("boot_application_digests", {}).items():
        ours = [event["digests"].get(bank) for event in events
                if event["untrustedType"] == "EV_EFI_BOOT_SERVICES_APPLICATION"]
        line.check(f"boot applications ({bank})", digests, ours)


def check_quirks(line, item, report):
    theirs = dict(item.get("observed_quirks") or {})
    ours = as_manifest(report)
    for key in sorted(set(theirs) | set(ours)):
        rule = None
        if report.get("registers") is not None and key.startswith("after_separator_"):
            rule = "cc-order"
        elif key == "after_separator_pcr7:EV_EFI_ACTION":
            rule = "pcr7-actions"
        line.check(f"quirk {key}", theirs.get(key), ours.get(key), explained_by=rule)


def as_manifest(report):
    """Our quirks in the manifest's words."""
    events = report["events"]
    confidential = report.get("registers") is not None
    register = [event.get("mr") if confidential else event["pcr"] for event in events]
    counts = collections.Counter()
    missing = []
    # The header's own record has a SHA-1 digest alone.
    missing_digests = collections.Counter(
        tuple(event["digests"]) for event in events[1:] if set(event["digests"]) != set(report["banks"]))
    for quirk in report["quirks"]:
        name, pcr = quirk["quirk"], quirk.get("pcr")
        types = collections.Counter(events[index]["untrustedType"] for index in quirk["events"])
        if name == "secure-boot-empty":
            counts["SecureBoot_var_zero_length"] += quirk["count"]
        elif name == "authority-trailing-bytes":
            counts["efi_variable_trailing_bytes"] += quirk["count"]
        elif name == "digest-without-last-byte":
            for kind, count in types.items():
                counts[f"digest:{kind}:data-minus-last-byte"] += count
        elif name in ("digest-of-other-data", "event-tag-content-digest"):
            for kind, count in types.items():
                counts[f"digest:{kind}:digest!=hash(data)"] += count
        elif name == "shim-variable-as-authority":
            for index in quirk["events"]:
                variable = re.match(r"EV_EFI_VARIABLE_AUTHORITY: (\S+) ", events[index]["description"])
                counts[f"shim_var_{variable[1] if variable else '?'}_as_EV_EFI_VARIABLE_AUTHORITY_pcr{pcr}"] += 1
        elif name == "separator-wbcl":
            counts["separator_data:5742434c"] += quirk["count"]
        elif name == "event-after-separator":
            for kind, count in types.items():
                counts[f"after_separator_pcr{pcr}:{kind}"] += count
        elif name == "separator-repeated" and not confidential:
            counts[f"duplicate_separator_pcr{pcr}"] = quirk["count"] + 1
        elif name == "separator-missing" and not confidential:
            missing.append(pcr)
        elif name == "digest-order":
            counts["digest_order_differs_from_specid"] += quirk["count"]
        elif name == "no-action-digest":
            counts["no_action_nonzero_digest"] += quirk["count"]
        elif name == "unknown-event-type":
            for kind, count in types.items():
                counts[f"unknown_event_type_{kind}"] += count
        elif name == "zero-size-event":
            counts["zero_size_event"] += quirk["count"]
    identifiers = {"sha1": 4, "sha256": 11, "sha384": 12, "sha512": 13, "sm3-256": 18}
    for banks, count in missing_digests.items():
        counts[f"digest_set_differs_from_specid:{sorted(identifiers[bank] for bank in banks)}"] += count
    for place, event in enumerate(events):
        if event["untrustedType"] != "EV_NO_ACTION":
            continue
        if register[place] is None:
            counts["pcr_0xffffffff"] += 1
        if register[place] != 0:
            counts[f"no_action_in_pcr_{-1 if register[place] is None else register[place]}"] += 1
        if place:
            signature = re.match(r"EV_NO_ACTION: (StartupLocality|SP800-155 Event\d?|platform)", event["description"])
            word = signature[1].replace("platform", "SP800-155 Event3") if signature else "?"
            counts[f"no_action_not_first:{word}"] += 1
    separators = collections.Counter(
        register[place] for place, event in enumerate(events) if event["untrustedType"] == "EV_SEPARATOR")
    if confidential:
        missing = [index for index in range(8) if not separators[index]]
        counts.update({f"duplicate_separator_pcr{index}": count for index, count in separators.items() if count > 1})
    result = dict(counts)
    if not separators:
        result["no_separator_at_all"] = 1
    elif missing:
        result["missing_separator_pcrs"] = sorted(missing)
    return result
