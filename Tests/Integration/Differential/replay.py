"""A second reader of TCG event logs, for the differential test beside it (attack catalogue, row EL-26).

Written from the TCG PC Client Platform Firmware Profile (PFP 1.06, section 10) alone and from nobody's code. It shares no
line with the product, so that an error in one is seen in the other. What breaks a rule of the profile but leaves the
records legible is a remark, not a refusal.

Argument: what register indices name: tpm (PCRs), cc (measurement registers of a confidential VM, UEFI 2.10 section 38), or
auto: cc where the header names register 1, which is where such firmware maps the profile's PCR 0.
Input (stdin):  for each log its size (4 bytes, little-endian) and its bytes.
Output (stdout), one line each: "refuse RULE OFFSET" or
"accept KIND FORMAT EVENTS PADDING LOCALITY REMARKS REGISTERS": KIND is tpm or cc, FORMAT is crypto-agile or sha1, PADDING counts bytes, REMARKS
are names joined by commas or "-", REGISTERS are those that an event extends: "BANK:INDEX=HEX" joined by commas, or "-".
"""

import hashlib
import struct
import sys

EV_NO_ACTION = 3
EV_EFI_HCRTM_EVENT = 0x80000010
SPEC_ID = b"Spec ID Event03\0"
STARTUP_LOCALITY = b"StartupLocality\0"

# TCG Algorithm Registry: identifier -> (name, digest size in bytes, hash).
HASHES = {
    0x0004: ("sha1", 20, hashlib.sha1),
    0x000B: ("sha256", 32, hashlib.sha256),
    0x000C: ("sha384", 48, hashlib.sha384),
    0x000D: ("sha512", 64, hashlib.sha512),
}
try:
    hashlib.new("sm3")
    HASHES[0x0012] = ("sm3-256", 32, lambda data: hashlib.new("sm3", data))
except ValueError:
    pass  # The test then compares the other banks only.


class Refused(Exception):
    """A rule of the profile that the log breaks, and where."""

    def __init__(self, rule, offset):
        super().__init__(rule)
        self.rule = rule
        self.offset = offset


def integer(layout, log, offset, end):
    size = struct.calcsize(layout)
    if offset + size > end:
        raise Refused("truncated", offset)
    return struct.unpack_from("<" + layout, log, offset)[0], offset + size


def taken(log, offset, size, end):
    if size > end - offset:
        raise Refused("truncated", offset)
    return log[offset : offset + size], offset + size


def checked_index(index, kind, offset):
    """24 registers exist. Windows ends its logs with an EV_NO_ACTION for register 0xFFFFFFFF."""
    if index > 23 and not (index == 0xFFFFFFFF and kind == EV_NO_ACTION):
        raise Refused("pcr-index", offset)


def sha1_record(log, offset):
    """TCG_PCClientPCREvent (PFP 10.2.1): register, type, SHA-1 digest, size, data."""
    start, end = offset, len(log)
    index, offset = integer("I", log, offset, end)
    kind, offset = integer("I", log, offset, end)
    checked_index(index, kind, start)
    digest, offset = taken(log, offset, 20, end)
    size, offset = integer("I", log, offset, end)
    data, offset = taken(log, offset, size, end)
    return (index, kind, {0x0004: digest}, data, start), offset


def agile_record(log, offset, sizes):
    """TCG_PCR_EVENT2 (PFP 10.2.2): register, type, digests, size, data; one digest for each algorithm of the header."""
    start, end = offset, len(log)
    index, offset = integer("I", log, offset, end)
    kind, offset = integer("I", log, offset, end)
    checked_index(index, kind, start)
    count, offset = integer("I", log, offset, end)
    if count == 0 or count > len(sizes):
        raise Refused("digest-count", offset - 4)
    digests = {}
    for _ in range(count):
        algorithm, offset = integer("H", log, offset, end)
        if algorithm not in sizes or algorithm in digests:
            raise Refused("digest-algorithm", offset - 2)
        digests[algorithm], offset = taken(log, offset, sizes[algorithm], end)
    size, offset = integer("I", log, offset, end)
    data, offset = taken(log, offset, size, end)
    return (index, kind, digests, data, start), offset


def header_algorithms(data, base):
    """TCG_EfiSpecIdEvent (PFP 10.4.5.1): algorithm -> digest size, in the order of the header."""
    end = len(data)
    try:
        _, offset = taken(data, 16, 4 + 1 + 1 + 1 + 1, end)  # platformClass, minor, major, errata, uintnSize
        count, offset = integer("I", data, offset, end)
        sizes = {}
        for _ in range(count):
            algorithm, offset = integer("H", data, offset, end)
            size, offset = integer("H", data, offset, end)
            if algorithm in sizes:
                raise Refused("header-algorithm-twice", offset - 4)
            if algorithm in HASHES and size != HASHES[algorithm][1]:
                raise Refused("header-digest-size", offset - 2)
            sizes[algorithm] = size
        vendor, offset = integer("B", data, offset, end)
        _, offset = taken(data, offset, vendor, end)
    except Refused as refusal:
        rule = "header-truncated" if refusal.rule == "truncated" else refusal.rule
        raise Refused(rule, base + refusal.offset) from None
    if not sizes:
        raise Refused("header-no-algorithm", base + 24)
    if offset != end:
        raise Refused("header-trailing", base + offset)
    return sizes


def is_padding(log, offset, smallest):
    """A log copied from a firmware table of fixed size ends in that table's unused bytes, all 00 or all FF."""
    rest = len(log) - offset
    return rest >= smallest and log[offset] in (0x00, 0xFF) and log.count(log[offset : offset + 1], offset) == rest


def read(log):
    """The records, the algorithms with their digest sizes, and the number of padding bytes."""
    first, offset = sha1_record(log, 0)
    sizes = None
    if first[3].startswith(SPEC_ID):
        if first[1] != EV_NO_ACTION:
            raise Refused("header-type", 4)
        if any(first[2][0x0004]):
            raise Refused("header-digest", 8)
        sizes = header_algorithms(first[3], first[4] + 32)
    records = [first]
    smallest = 16 if sizes is not None else 32
    while offset < len(log) and not is_padding(log, offset, smallest):
        if sizes is None:
            record, offset = sha1_record(log, offset)
        else:
            record, offset = agile_record(log, offset, sizes)
            if record[1] == EV_NO_ACTION and record[3].startswith(SPEC_ID):
                raise Refused("header-twice", record[4])
        records.append(record)
    return records, sizes, len(log) - offset


def startup_locality(records, remarks):
    """PFP 10.4.5.3: stated once, for register 0, before its first measurement; an H-CRTM sequence implies 4."""
    locality, measured, hcrtm = None, False, False
    for index, kind, _, data, _ in records:
        if kind == EV_NO_ACTION and data.startswith(STARTUP_LOCALITY):
            if index != 0 or measured or locality is not None or len(data) != 17 or data[16] not in (0, 3, 4):
                remarks.add("startup-locality")
            else:
                locality = data[16]
        elif kind != EV_NO_ACTION and index == 0 and not measured:
            measured, hcrtm = True, kind == EV_EFI_HCRTM_EVENT
    if hcrtm and locality not in (None, 4):
        remarks.add("startup-locality")
    return 4 if hcrtm else locality or 0


def replay(records, locality, kind_of_registers):
    """TPM2_PCR_Extend of every measured record: register = H(register || digest)."""
    registers = {}
    for index, kind, digests, _, _ in records:
        if kind == EV_NO_ACTION:
            continue
        for algorithm, digest in digests.items():
            if algorithm not in HASHES:
                continue
            name, size, hash_function = HASHES[algorithm]
            # A confidential VM's registers start at zero. Of a TPM's, registers 17 to 22 hold ones until a dynamic launch (PC Client Platform TPM Profile, PCR attributes).
            if kind_of_registers == "cc":
                initial = b"\0" * size
            else:
                initial = b"\xff" * size if 17 <= index <= 22 else b"\0" * (size - 1) + bytes([0 if index else locality])
            value = registers.get((name, index), initial)
            registers[name, index] = hash_function(value + digest).digest()
    return registers


def answer(log, wanted):
    try:
        records, sizes, padding = read(log)
    except Refused as refusal:
        return f"refuse {refusal.rule} {refusal.offset}"
    remarks = set()
    kind_of_registers = wanted
    if wanted == "auto":
        kind_of_registers = "cc" if sizes is not None and records[0][0] == 1 else "tpm"
    if sizes is not None and records[0][0] > (1 if kind_of_registers == "cc" else 0):
        remarks.add("header-register")
    for _, kind, digests, _, _ in records[1:]:
        if sizes is not None and len(digests) != len(sizes):
            remarks.add("digest-missing" if kind != EV_NO_ACTION else "no-action-digest-missing")
    locality = startup_locality(records, remarks)
    if kind_of_registers == "cc":
        locality = 0
        stated = any(kind == EV_NO_ACTION and data.startswith(STARTUP_LOCALITY) for _, kind, _, data, _ in records)
        remarks -= {"startup-locality"}
        remarks |= {"startup-locality"} if stated else set()
    registers = replay(records, locality, kind_of_registers)
    values = ",".join(f"{name}:{index}={value.hex()}" for (name, index), value in sorted(registers.items()))
    form = "sha1" if sizes is None else "crypto-agile"
    return f"accept {kind_of_registers} {form} {len(records)} {padding} {locality} {','.join(sorted(remarks)) or '-'} {values or '-'}"


def main():
    stream = sys.stdin.buffer
    while True:
        size = stream.read(4)
        if not size:
            break
        print(answer(stream.read(struct.unpack("<I", size)[0]), sys.argv[1]))


if __name__ == "__main__":
    main()
