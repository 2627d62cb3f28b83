"""A second reader of IMA measurement lists, for the differential test beside it (attack catalogue, rows IM).

Written from the Linux kernel's documentation of IMA templates and from what its binary_runtime_measurements look like, and
from nobody's reader. It shares no line with the product, so that an error in one is seen in the other.

Input (stdin):  for each list its size (4 bytes, little-endian) and its bytes.
Output (stdout), one line each: "refuse ENTRY" (how many entries stand in front of the first that is none) or
"accept LAYOUT ENTRIES VIOLATIONS WRONG UNKNOWN AGGREGATES REGISTERS": LAYOUT is "le" or "be" and the size of the template
digests, or "empty"; WRONG counts entries whose data does not have the listed digest, UNKNOWN those of an unknown template,
AGGREGATES those by the name boot_aggregate; REGISTERS are "BANK:MODE:INDEX=HEX" joined by commas, or "-".
"""

import hashlib
import struct
import sys

SIZES = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
BANKS = ["sha1", "sha256", "sha384", "sha512"]
HASHES = {
    "md4": 16, "md5": 16, "sha1": 20, "rmd160": 20, "sha256": 32, "sha384": 48, "sha512": 64, "sha224": 28, "rmd128": 16,
    "rmd256": 32, "rmd320": 40, "wp256": 32, "wp384": 48, "wp512": 64, "tgr128": 16, "tgr160": 20, "tgr192": 24, "sm3": 32,
    "sm3-256": 32, "streebog256": 32, "streebog512": 64, "sha3-256": 32, "sha3-384": 48, "sha3-512": 64,
}
TEMPLATES = {
    "ima": "d|n", "ima-ng": "d-ng|n-ng", "ima-ngv2": "d-ngv2|n-ng", "ima-sig": "d-ng|n-ng|sig", "ima-sigv2": "d-ngv2|n-ng|sig",
    "ima-modsig": "d-ng|n-ng|sig|d-modsig|modsig", "ima-buf": "d-ng|n-ng|buf",
    "evm-sig": "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode",
}
FIELDS = {
    "d", "n", "d-ng", "n-ng", "d-ngv2", "sig", "d-modsig", "modsig", "buf", "evmsig", "xattrnames", "xattrlengths",
    "xattrvalues", "iuid", "igid", "imode",
}
REQUIRED = {"d", "n", "d-ng", "n-ng", "d-ngv2"}
NAME = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_|")
# The product's bounds: bytes of a template's name, of an entry's data, of names.
MAX_TEMPLATE, MAX_DATA, MAX_NAME, MAX_SHORT = 255, 1 << 20, 4095, 255


class Refused(Exception):
    """An entry that is none."""


def need(condition):
    if not condition:
        raise Refused()


def fields_of(name):
    names = TEMPLATES.get(name, name).split("|")
    if name not in TEMPLATES and (set(names) - FIELDS or len(set(names)) != len(names) or len(names) > 15):
        return None
    return names


class Reader:
    def __init__(self, data, order, digest_size):
        self.data, self.order, self.digest_size, self.position = data, order, digest_size, 0

    def integer(self):
        return struct.unpack(self.order + "I", self.take(4))[0]

    def take(self, size):
        need(size <= len(self.data) - self.position)
        self.position += size
        return self.data[self.position - size : self.position]

    def entry(self):
        register = self.integer()
        need(register < 24)
        digest = self.take(self.digest_size)
        size = self.integer()
        need(0 < size <= MAX_TEMPLATE)
        name = self.take(size)
        need(set(name) <= NAME)
        name = name.decode()
        if name == "ima":
            file_digest = self.take(20)
            size = self.integer()
            need(size <= MAX_SHORT)
            file_name = self.take(size)
            need(size > 0 and 0 not in file_name)
            return register, digest, name, file_digest + file_name + bytes(256 - size), file_name
        size = self.integer()
        need(size <= MAX_DATA)
        data = self.take(size)
        return register, digest, name, data, check(data, name, self.order)


def check(data, template, order):
    """Every field has its length, and nothing is left. The name, or None."""
    names = fields_of(template)
    if names is None:
        return None
    position, file_name = 0, None
    for field in names:
        need(position + 4 <= len(data))
        size = struct.unpack_from(order + "I", data, position)[0]
        position += 4
        need(size <= len(data) - position)
        value = data[position : position + size]
        position += size
        if not value:
            need(field not in REQUIRED)
        elif field == "d":
            need(size in (16, 20))
        elif field in ("d-ng", "d-modsig"):
            check_digest(value)
        elif field == "d-ngv2":
            kind, colon, rest = value.partition(b":")
            need(colon and kind in (b"ima", b"verity"))
            check_digest(rest)
        elif field in ("n", "n-ng", "xattrnames"):
            need(value.endswith(b"\0") and value.count(b"\0") == 1)
            need(size - 1 <= (MAX_SHORT if field == "n" else MAX_NAME))
            if field != "xattrnames":
                file_name = value[:-1]
        elif field == "xattrlengths":
            need(size % 4 == 0)
        elif field in ("iuid", "igid"):
            need(size == 4)
        elif field == "imode":
            need(size == 2)
    need(position == len(data))
    return file_name


def check_digest(value):
    algorithm, colon, rest = value.partition(b":")
    try:
        size = HASHES.get(algorithm.decode("ascii"))
    except UnicodeDecodeError:
        size = None
    need(colon and size and rest[:1] == b"\0")
    digest = rest[1:]
    need(len(digest) == size or digest == bytes(20))


def layouts(data):
    """Ways in which the first entry's head reads as one: those with a known template, else any."""
    known, others = [], []
    for order in "<>":
        for size in SIZES:
            start = 4 + size + 4
            if len(data) < start or struct.unpack_from(order + "I", data)[0] > 23:
                continue
            length = struct.unpack_from(order + "I", data, start - 4)[0]
            name = data[start : start + length]
            if not 0 < length <= MAX_TEMPLATE or len(name) != length or set(name) - NAME:
                continue
            (known if fields_of(name.decode()) else others).append((order, size))
    return known or others


def extend(registers, key, algorithm, digest):
    size = hashlib.new(algorithm).digest_size
    initial = b"\xff" * size if 17 <= key[2] <= 22 else bytes(size)
    registers[key] = hashlib.new(algorithm, registers.get(key, initial) + digest).digest()


def answer(data):
    if not data:
        return "accept empty 0 0 0 0 0 -"
    ways = layouts(data)
    if len(ways) != 1:
        return "refuse 0"
    order, digest_size = ways[0]
    reader = Reader(data, order, digest_size)
    entries = violations = wrong = unknown = aggregates = 0
    registers = {}
    while reader.position < len(data):
        try:
            register, digest, template, hashed, name = reader.entry()
        except Refused:
            return f"refuse {entries}"
        entries += 1
        is_violation = not any(digest)
        violations += is_violation
        wrong += not is_violation and hashlib.new(SIZES[digest_size], hashed).digest() != digest
        unknown += fields_of(template) is None
        is_buffer = "buf" in (fields_of(template) or [])
        aggregates += name == b"boot_aggregate" and not is_buffer and "d" in (fields_of(template) or [""])[0]
        sha1 = hashlib.sha1(hashed).digest()
        for bank in BANKS:
            size = hashlib.new(bank).digest_size
            own = b"\xff" * size if is_violation else hashlib.new(bank, hashed).digest()
            extend(registers, (bank, "native", register), bank, own)
            if bank != "sha1":
                padded = b"\xff" * size if is_violation else sha1 + bytes(size - 20)
                extend(registers, (bank, "padded", register), bank, padded)
    values = ",".join(f"{bank}:{mode}:{index}={value.hex()}" for (bank, mode, index), value in sorted(registers.items()))
    layout = ("le" if order == "<" else "be") + str(digest_size)
    return f"accept {layout} {entries} {violations} {wrong} {unknown} {aggregates} {values or '-'}"


def main():
    stream = sys.stdin.buffer
    while True:
        size = stream.read(4)
        if not size:
            break
        print(answer(stream.read(struct.unpack("<I", size)[0])))


if __name__ == "__main__":
    main()
