"""What Tools/corpus-report is made of. A kind of file is a module here with `KIND`, the manifest's word for it, and
`compare(item, corpus, product)`, which returns a `Line`; the report finds it by itself. `extra(corpus)`, where a module has it,
names files that the manifest does not list."""

import importlib
import json
import os
import pkgutil
import subprocess
import tempfile


def kinds():
    """KIND -> module."""
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    return {module.KIND: module for module in modules if hasattr(module, "KIND")}


class Corpus:
    def __init__(self, root):
        self.root = os.path.realpath(root)
        with open(os.path.join(self.root, "MANIFEST.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)["items"]

    def items(self, kind):
        return [item for item in self.manifest if item["kind"] == kind]

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


class Product:
    """The operators' command, run as an operator runs it."""

    def __init__(self, path):
        self.path = path
        self.folder = tempfile.TemporaryDirectory(prefix="corpus-report")

    def write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def json(self, *arguments):
        """(exit code, JSON or None, the last line of what it said on standard error)"""
        done = subprocess.run(
            [self.path, *arguments, "-o", "json"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        words = done.stderr.decode(errors="replace").strip().splitlines()
        try:
            return done.returncode, json.loads(done.stdout), words[-1] if words else ""
        except ValueError:
            return done.returncode, None, words[-1] if words else ""


class Line:
    """What one file's comparison came to."""

    def __init__(self, name):
        self.name = name
        self.facts = []
        self.differences = []
        self.explained = set()
        self.compared = 0

    def fact(self, text):
        self.facts.append(text)

    def check(self, what, expected, ours, explained_by=None):
        """Compares one answer. `explained_by`: the rule of the decision record that a difference falls under, or None."""
        self.compared += 1
        if expected == ours:
            return
        if explained_by:
            self.explained.add(explained_by)
        else:
            self.differences.append(f"{what}: expected {short(expected)}, ours {short(ours)}")

    def check_values(self, what, expected, ours, strictly=True):
        """Compares a table of values and says how many agree. Not strictly: only those that both have."""
        keys = set(expected) if strictly else set(expected) & set(ours)
        equal = sum(ours.get(key) == expected[key] for key in keys)
        self.fact(f"{what} {equal}/{len(keys)}")
        if strictly:
            self.check(what, expected, ours)

    @property
    def result(self):
        if self.differences:
            return "DIFFERENT"
        if self.explained:
            return "explained"
        return "same" if self.compared else "without an answer"

    def __str__(self):
        rules = f" [{', '.join(sorted(self.explained))}]" if self.explained else ""
        parts = [f"{self.name}: {self.result}{rules}", f"{self.compared} answers", *self.facts]
        return "; ".join(parts) + "".join(f"\n    {difference}" for difference in self.differences)


def short(value):
    text = str(value)
    return text if len(text) <= 160 else text[:157] + "..."
