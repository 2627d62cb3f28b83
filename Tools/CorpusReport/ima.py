"""IMA measurement lists, by `bootgate inspect ima`; those of measured-boot/, whose quotes say how far they reach, also by
`bootgate inspect evidence`."""

import os

from . import Line

KIND = "ima"
# The manifest's names of replays: table, bank.
REPLAYS = {"sha1": ("pcrs", "sha1"), "sha256": ("pcrs", "sha256"), "sha256(padded-sha1)": ("paddedSHA1", "sha256")}
# The real Debian guests go on measuring while they quote.
STILL_WRITING = {"full1": 415, "full2": 415}


def extra(corpus):
    """The captures that MANIFEST.json does not list."""
    folder = corpus.path("measured-boot")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [{"file": f"measured-boot/{name}", "kind": KIND, "capture": name} for name in names
            if os.path.exists(os.path.join(folder, name, "ima_binary"))]


def compare(item, corpus, product):
    line = Line(item["file"])
    if "capture" in item:
        capture(line, item, corpus, product)
        return line
    expected = item.get("expected") or {}
    whole = expected.get("parse") == "ok"
    path = corpus.path(item["file"])
    code, report, words = product.json("inspect", "ima", path)
    line.check("parse", "ok" if whole else "refused", "ok" if report else "refused" if code == 65 else f"exit {code}")
    if not whole:
        # "12 complete entries, then 1 bytes that are no complete entry": refused there, and read without them.
        rest = int(expected["parse"].split("then ")[1].split()[0])
        content = corpus.read(item["file"])
        line.check("offset of the refusal", True, f"entry {expected['entries']}" in words and f"offset {len(content) - rest}" in words)
        path = product.write("list", content[: len(content) - rest])
        code, report, words = product.json("inspect", "ima", path)
    if report is None:
        line.fact(words)
        return line
    check(line, expected, report)
    registers(line, expected, path, product)
    return line


def check(line, expected, report):
    line.fact(f"{report['format']}, {report['entryCount']} entries")
    line.check("entries", expected["entries"], report["entryCount"])
    line.check("templates", expected["templates"], report["templates"])
    line.check("violations", expected.get("violations", 0), report["violations"])
    matching = expected.get("template_digests_matching_data", expected.get("template_digests_matching_data_as_sha256"))
    line.check("template digests", matching, report["templateDigests"]["matching"])
    line.check("wrong template digests", expected.get("template_digests_not_matching", 0), report["templateDigests"]["notMatching"])
    if "pcrs_used" in expected:
        line.check("registers", sorted(expected["pcrs_used"]), sorted(report["pcrs"]["sha1"]))
    for name, value in expected["replayed"].items():
        replay, pcr = name.rsplit(":", 1)
        table, bank = REPLAYS[replay]
        line.check(f"replayed {name}", value, report[table][bank].get(pcr))
    for text in expected.get("boot_aggregate", []):
        # The original template names no algorithm: SHA-1.
        line.check("boot aggregate", text if ":" in text else f"sha1:{text}", (report["bootAggregate"] or {}).get("digest"))
    unexplained = {finding["id"] for finding in report["findings"]} - {"IMA_VIOLATION"}
    line.check("findings", set(), unexplained)


def registers(line, expected, path, product):
    """What was read from the TPM with the list."""
    read = dict(expected.get("pcr10_read_from_the_tpm", {}))
    if "pcr10_sha1_read_from_the_tpm" in expected:
        read["sha1"] = expected["pcr10_sha1_read_from_the_tpm"]
    if not read:
        return
    table = product.write("registers", {bank: {"10": value} for bank, value in read.items()})
    report = product.json("inspect", "ima", path, "--pcrs", table)[1] or {}
    line.fact(f"PCR 10 after entry {report.get('matchedPrefix')}")
    line.check("matching prefix", expected.get("matching_prefix_entries", expected["entries"]), report.get("matchedPrefix"))


def capture(line, item, corpus, product):
    folder = corpus.path(item["file"])
    binary = product.json("inspect", "ima", os.path.join(folder, "ima_binary"))[1] or {}
    text = product.json("inspect", "ima", os.path.join(folder, "ima_ascii"))[1] or {}
    evidence = (product.json("inspect", "evidence", folder)[1] or {}).get("measurementList") or {}
    entries = binary.get("entryCount")
    for what in ("entryCount", "templates", "violations", "templateDigests", "bootAggregate", "pcrs", "paddedSHA1"):
        line.check(f"{what} of the text and the binary list", binary.get(what), text.get(what))
    line.check("wrong template digests", 0, binary.get("templateDigests", {}).get("notMatching"))
    line.fact(f"{entries} entries, the quote stands for {evidence.get('matchedPrefix')}")
    line.check("replay", "agrees", evidence.get("replay"))
    line.check("entries that the quote stands for", STILL_WRITING.get(item["capture"], entries), evidence.get("matchedPrefix"))
