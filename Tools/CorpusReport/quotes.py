"""Quotes with their keys, by `bootgate inspect quote`. Every pair of an attest structure and a signature in a file is tried with
every key that belongs to it; then damaged, which must be refused."""

import base64
import re
import subprocess

from . import Line, containers

KIND = "quotes"


def compare(item, corpus, product):
    line = Line(item["file"])
    expected = item.get("expected") or {}
    group = members(item, corpus)
    lead = leader(group)
    if lead is not item:
        line.fact(f"belongs to {lead['file'] if lead else expected.get('part_of', '?')}")
        return line
    parts = containers.Parts()
    for member in group:
        found = containers.read(corpus.read(member["file"]))
        for name in ("attests", "signatures", "keys", "registers", "logs"):
            getattr(parts, name).extend(getattr(found, name))
    keys = [key for blob in parts.keys for key in [public_key(blob)] if key]
    quotes = [attest for attest in parts.attests if attest.startswith(containers.QUOTE)]
    line.fact(f"{len(quotes)} quotes, {len(keys)} keys, {len(parts.registers)} register tables")
    reports = [answer for quote in quotes for answer in [verified(quote, parts, keys, expected, product)] if answer]
    check(line, item, expected, parts, keys, quotes, reports, corpus, product)
    return line


def members(item, corpus):
    """The files of one piece of evidence: of its own group, and those that its expectations name."""
    name = (item.get("expected") or {}).get("part_of") or stem(item["file"])
    group = [other for other in corpus.items(KIND)
             if other is item or stem(other["file"]) == name or (other.get("expected") or {}).get("part_of") == name]
    text = " ".join(str((other.get("expected") or {}).get("signature", "")) for other in group)
    named = re.findall(r"[\w./-]+\.(?:pem|pub|out|bin|der)\b", text)
    for other in corpus.items(KIND):
        if other not in group and any(other["file"].endswith("/" + file) for file in named):
            group.append(other)
    return group


def stem(path):
    return path.split("/")[-1].rsplit(".", 1)[0]


def leader(group):
    """The file that says what the signature is."""
    answering = [member for member in group if set(member.get("expected") or {}) & {"signature", "signatures", "quote_type"}]
    return answering[0] if answering else None


def public_key(blob):
    """What `inspect quote --ak` takes; a certificate's key is taken out of it."""
    text = blob if blob.startswith(b"-----BEGIN") else None
    if text is None and blob[:1] != b"\x30":
        return blob
    is_certificate = b"CERTIFICATE" in text if text else is_certificate_der(blob)
    if not is_certificate:
        return blob
    form = "PEM" if text else "DER"
    done = subprocess.run(["openssl", "x509", "-inform", form, "-noout", "-pubkey"], input=blob, capture_output=True, check=False)
    return done.stdout or None


def is_certificate_der(blob):
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout"], input=blob, capture_output=True, check=False)
    return done.returncode == 0


def nonces(expected):
    if "attest" in expected:
        yield expected["attest"]["extra_data_hex"]
    if "nonce_hex" in expected:
        yield expected["nonce_hex"]
    if "nonce_base64" in expected:
        yield base64.b64decode(expected["nonce_base64"]).hex()
    if "nonce" in expected:
        yield expected["nonce"].encode().hex()


def ask(attest, signature, key, nonce, registers, product):
    arguments = ["--attest", product.write("attest", attest), "--signature", product.write("signature", signature),
                 "--ak", product.write("key", key), "--nonce", "@" + product.write("nonce", nonce.encode())]
    if registers is not None:
        arguments += ["--pcrs", product.write("registers", registers)]
    return product.json("inspect", "quote", *arguments)[1]


def verified(quote, parts, keys, expected, product):
    """(report, signature, key, nonce, registers) of the first combination that verifies, with registers where some agree."""
    for nonce in nonces(expected):
        for signature in parts.signatures:
            for key in keys:
                report = ask(quote, signature, key, nonce, None, product)
                if not report or not report["verified"]:
                    continue
                for registers in parts.registers:
                    whole = ask(quote, signature, key, nonce, registers, product)
                    if whole and whole["verified"]:
                        return whole, quote, signature, key, nonce, registers
                return report, quote, signature, key, nonce, None
    return None


def check(line, item, expected, parts, keys, quotes, reports, corpus, product):
    words = str(expected.get("signature", expected.get("signatures", "")))
    rule = None if reports else refused_key(quotes, parts, keys, expected, product)
    if words:
        line.check("signature", len(quotes) if "valid" in words or "verify" in words else 0, len(reports), rule)
    if "platform_signature_with_the_certified_key" in expected:
        wanted = str(expected["platform_signature_with_the_certified_key"]) == "True"
        line.check("signature with the certified key", wanted, bool(reports))
    digests = str(expected.get("pcr_digest_matches", expected.get("pcr_digests_match", "")))
    if digests:
        line.check("register values", digests.startswith("yes"), bool(reports) and all(report[5] is not None for report in reports), rule)
    if "attest" in expected and reports:
        attest(line, expected["attest"], reports[0][0])
    if reports:
        damage(line, reports[0], product)
    others = [attest for attest in parts.attests if not attest.startswith(containers.QUOTE)]
    for other in others:
        taken = [ask(other, signature, key, next(nonces(expected), ""), None, product)
                 for signature in parts.signatures for key in keys]
        line.check("another attest kind is no quote", False, any(report and report["verified"] for report in taken))
    if "event_log_replay" in expected:
        replay(line, item, parts, reports, corpus, product)


def refused_key(quotes, parts, keys, expected, product):
    """Whether every combination fails for nothing but the key's own weakness (row ID-05)."""
    found = set()
    for quote in quotes:
        for signature in parts.signatures:
            for key in keys:
                report = ask(quote, signature, key, next(nonces(expected), ""), None, product)
                found.update(finding["id"] for finding in (report or {}).get("findings", []))
    return "weak-key" if found == {"ID_AK_WEAK"} else None


def attest(line, expected, report):
    line.check("qualified signer", expected["qualified_signer"], report["signer"])
    clock = report["clock"]
    ours = (clock["clock"], clock["resetCount"], clock["restartCount"], int(clock["safe"]))
    line.check("clock", tuple(expected[key] for key in ("clock", "reset_count", "restart_count", "safe")), ours)
    line.check("firmware version", int(expected["firmware_version"], 16), int(report["firmwareVersion"], 16))
    selection = {entry["bank"]: entry["pcrs"] for entry in expected["pcr_selection"]}
    line.check("selection", selection, report["pcrSelection"])
    line.check("register digest", expected["pcr_digest"], report["pcrDigest"].split(":")[-1])


def damage(line, good, product):
    _, quote, signature, key, nonce, registers = good

    def flipped(blob, place):
        return blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]

    cases = {
        "another nonce": (quote, signature, (nonce or "00") + "01"),
        "reversed signature": (quote, signature[::-1], nonce),
        "damaged signature": (quote, flipped(signature, len(signature) - 1), nonce),
        "damaged quote": (flipped(quote, len(quote) - 1), signature, nonce),
        "damaged clock": (flipped(quote, len(quote) // 2), signature, nonce),
    }
    for name, (attest_bytes, signature_bytes, nonce_text) in cases.items():
        report = ask(attest_bytes, signature_bytes, key, nonce_text, registers, product)
        line.check(name, False, bool(report and report["verified"]))


def replay(line, item, parts, reports, corpus, product):
    logs = [product.write("log", log) for log in parts.logs]
    logs += [corpus.path(name) for name in re.findall(r"eventlogs/[\w.-]+\.bin", item.get("description", ""))]
    tables = [report[5] for report in reports if isinstance(report[5], dict)]
    tables = tables or [table for table in parts.registers if isinstance(table, dict)]
    agreed = []
    for table in tables:
        for log in logs:
            report = product.json("inspect", "eventlog", log, "--pcrs", product.write("registers", table))[1]
            results = [word for bank in ((report or {}).get("replay") or {}).values() for word in bank.values()]
            agreed.append(bool(results) and "mismatch" not in results)
    line.check("event log", True, bool(agreed) and all(agreed))
