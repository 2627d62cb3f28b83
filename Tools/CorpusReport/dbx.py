"""Signature databases and updates to them, by `bootgate inspect signature-list`."""

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
        line.fact("describes other files")
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
