"""Signature databases and updates to them, by `bootgate inspect signature-list`."""

import json

from . import Line

KIND = "dbx"
FORMS = {
    "EFI_SIGNATURE_LISTs": "signature-lists",
    "u32 attributes then EFI_SIGNATURE_LISTs": "efivarfs",
    "EFI_VARIABLE_AUTHENTICATION_2 then EFI_SIGNATURE_LISTs": "signed-update",
}


def compare(item, corpus, product):
    line = Line(item["file"])
    expected = item.get("expected") or {}
    if "describes" in expected:
        describes(line, item, corpus, product)
        return line
    code, report, words = product.json("inspect", "signature-list", corpus.path(item["file"]))
    parses = expected.get("parse", "ok" if "entry_set_sha256" in expected else None)
    if parses is None:
        line.fact("no signature database" if report is None else f"{report['signatureLists']} lists")
        return line
    line.check("parse", "ok" if parses == "ok" else "refused", "ok" if report else "refused" if code == 65 else f"exit {code}")
    if report is None:
        line.fact(words)
        return line
    line.fact(f"{report['form']}, {report['signatureLists']} lists, {report['entriesByType']}")
    if "form" in expected:
        line.check("form", FORMS.get(expected["form"], expected["form"]), report["form"])
    answers = {
        "signature_lists": "signatureLists", "entries_by_type": "entriesByType", "entry_set_sha256": "entrySetSHA256",
        "timestamp": "timestamp",
    }
    for key, ours in answers.items():
        if key in expected:
            line.check(key, expected[key], report.get(ours))
    return line


def describes(line, item, corpus, product):
    """A publisher's own list of what its updates hold: each update must hold exactly one of the listed sets."""
    images = json.loads(corpus.read(item["file"]))["images"]
    sets = [{image["authenticodeHash"].lower() for image in architecture} for architecture in images.values()]
    folder = item["file"].rsplit("/", 1)[0]
    for name in item["expected"]["describes"]:
        report = product.json("inspect", "signature-list", corpus.path(f"{folder}/{name}"))[1]
        hashes = {entry["value"] for entry in (report or {}).get("entries", []) if entry["type"] == "sha256"}
        line.check(f"hashes of {name}", True, hashes in sets)
