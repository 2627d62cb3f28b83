"""Finds the parts of evidence in whatever wraps them: JSON, CBOR, protobuf, and a few length-prefixed forms. Everything is
recognised by its content, so that another attester's wrapping of the same things is read too."""

import base64
import binascii
import json
import re
import struct

GENERATED = bytes.fromhex("ff544347")
QUOTE = bytes.fromhex("ff5443478018")
HASH_SIZES = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
SIGNATURE_SCHEMES = (0x0014, 0x0016, 0x0018)
PUBLIC_TYPES = (0x0001, 0x0023)


class Parts:
    def __init__(self):
        self.attests, self.signatures, self.keys, self.registers, self.logs = [], [], [], [], []

    def add(self, blob):
        """Sorts one run of bytes by what it is; True when it was something."""
        if blob.startswith(GENERATED):
            self.attests.append(blob)
        elif blob.startswith(b"-----BEGIN") or len(blob) > 60 and blob[:1] == b"\x30" and blob[1:2] in (b"\x59", b"\x81", b"\x82"):
            self.keys.append(blob)
        elif len(blob) > 60 and struct.unpack(">H", blob[:2])[0] in PUBLIC_TYPES and plausible_public(blob):
            self.keys.append(blob)
        elif len(blob) > 60 and struct.unpack(">H", blob[:2])[0] == len(blob) - 2 and plausible_public(blob[2:]):
            self.keys.append(blob)
        elif len(blob) > 60 and struct.unpack(">H", blob[:2])[0] in SIGNATURE_SCHEMES:
            self.signatures.append(blob)
        elif len(blob) > 1000 and blob[4:8] in (b"\x03\0\0\0", b"\x08\0\0\0") and blob[:4] == b"\0\0\0\0":
            self.logs.append(blob)
        elif len(blob) in (256, 384, 512):
            self.signatures.append(blob)
        else:
            return False
        return True


def plausible_public(blob):
    return struct.unpack(">H", blob[2:4])[0] in (0x0004, 0x000B, 0x000C, 0x000D)


def read(blob):
    """All parts inside one file."""
    parts = Parts()
    if parts.add(blob):
        return parts
    for reader in (from_json, from_serialised_pcrs, from_report_with_keys, from_lengths, from_cbor, from_protobuf,
                   from_prefixed_pair):
        try:
            if reader(blob, parts):
                break
        except (ValueError, IndexError, struct.error):
            continue
    return parts


# JSON


def from_json(blob, parts):
    value = json.loads(blob)
    walk_json(value, parts)
    return True


def walk_json(value, parts):
    if isinstance(value, dict):
        if value.get("kty") == "RSA" and "n" in value:
            parts.keys.append(rsa_spki(unbase64(value["n"]), unbase64(value["e"])))
        for member in value.values():
            walk_json(member, parts)
    elif isinstance(value, list):
        registers = registers_of(value)
        if registers:
            parts.registers.append(registers)
            return
        for member in value:
            walk_json(member, parts)
    elif isinstance(value, str):
        for decode in (bytes.fromhex, unbase64):
            try:
                if parts.add(decode(value)):
                    return
            except (ValueError, binascii.Error):
                continue


def unbase64(text):
    text = text.replace("-", "+").replace("_", "/")
    if not re.fullmatch(r"[A-Za-z0-9+/=\s]*", text):
        raise ValueError("not base64")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def registers_of(values):
    """A list of digests by place, or of objects with an index and a digest: {"sha256": {"0": "hex"}}; None for others."""
    table = {}
    for place, value in enumerate(values):
        index, digest = place, value
        if isinstance(value, dict):
            numbers = [member for name, member in value.items() if isinstance(member, int) and "index" in name.lower()]
            texts = [member for member in value.values() if isinstance(member, str)]
            if len(numbers) != 1 or len(texts) != 1:
                return None
            index, digest = numbers[0], texts[0]
        try:
            raw = bytes.fromhex(digest)
        except (ValueError, TypeError):
            try:
                raw = unbase64(digest)
            except (ValueError, TypeError, AttributeError, binascii.Error):
                return None
        if len(raw) not in HASH_SIZES or index > 23:
            return None
        table.setdefault(HASH_SIZES[len(raw)], {})[str(index)] = raw.hex()
    return table or None


# Other wrappings


def from_serialised_pcrs(blob, parts):
    """tpm2-tools' quote.pcrs: kept as it is, the product reads it."""
    if len(blob) < 600 or struct.unpack("<I", blob[:4])[0] not in range(1, 17) or struct.unpack("<H", blob[4:6])[0] not in (4, 11, 12, 13):
        raise ValueError("no quote.pcrs")
    parts.registers.append(blob)
    return True


def from_report_with_keys(blob, parts):
    """A report that ends in JSON with keys (JWK), as hardware-backed VMs send it."""
    start = blob.index(b'{"keys":')
    value, _ = json.JSONDecoder().raw_decode(blob[start:].decode("utf-8", "replace"))
    walk_json(value, parts)
    return True


def from_lengths(blob, parts):
    """64-bit length and bytes: signature, message; then a count and that many SHA-256 registers."""
    offset, found = 0, []
    for _ in range(2):
        size = struct.unpack_from("<Q", blob, offset)[0]
        if size > len(blob) - offset - 8:
            raise ValueError("no length")
        found.append(blob[offset + 8 : offset + 8 + size])
        offset += 8 + size
    if not any(part.startswith(GENERATED) for part in found):
        raise ValueError("no quote")
    count = struct.unpack_from("<Q", blob, offset)[0]
    digests = [blob[offset + 8 + 32 * place : offset + 40 + 32 * place].hex() for place in range(count)]
    parts.registers.append({"sha256": {str(place): digest for place, digest in enumerate(digests)}})
    return all(parts.add(part) for part in found)


def from_prefixed_pair(blob, parts):
    """Anything, a 16-bit length, the attest structure of that length, the signature."""
    start = blob.index(GENERATED)
    size = struct.unpack_from(">H", blob, start - 2)[0]
    parts.add(blob[start : start + size])
    parts.signatures.append(blob[start + size :])
    return True


def from_cbor(blob, parts):
    for leaf in cbor_bytes(blob):
        parts.add(leaf)
    return True


def cbor_bytes(blob):
    leaves = []

    def item(offset):
        head = blob[offset]
        major, low = head >> 5, head & 31
        offset += 1
        if low < 24:
            value = low
        elif low in (24, 25, 26, 27):
            size = 1 << (low - 24)
            value = int.from_bytes(blob[offset : offset + size], "big")
            offset += size
        else:
            raise ValueError("indefinite length")
        if major in (2, 3):
            if value > len(blob) - offset:
                raise ValueError("cut")
            if major == 2:
                leaves.append(blob[offset : offset + value])
            return offset + value
        for _ in range({4: value, 5: 2 * value, 6: 1}.get(major, 0)):
            offset = item(offset)
        return offset

    if item(0) != len(blob):
        raise ValueError("bytes behind the item")
    return leaves


def from_protobuf(blob, parts, depth=0):
    fields = protobuf_fields(blob)
    registers = {}
    for number, value in fields:
        if not isinstance(value, bytes) or parts.add(value):
            continue
        try:
            inner = protobuf_fields(value)
        except (ValueError, IndexError):
            continue
        register = register_entry(inner)
        if register:
            registers.setdefault(HASH_SIZES[len(register[1])], {})[str(register[0])] = register[1].hex()
        elif depth < 4 and inner:
            from_protobuf(value, parts, depth + 1)
    if registers:
        parts.registers.append(registers)
    return True


def register_entry(fields):
    """A map entry: key 1 is the index (absent for 0), value 2 the digest."""
    members = dict(fields)
    digest, index = members.get(2), members.get(1, 0)
    if len(fields) in (1, 2) and isinstance(digest, bytes) and isinstance(index, int) and len(digest) in HASH_SIZES and index < 24:
        return index, digest
    return None


def protobuf_fields(blob):
    def varint(offset):
        value = shift = 0
        while True:
            byte = blob[offset]
            value |= (byte & 127) << shift
            offset += 1
            shift += 7
            if byte < 128:
                return value, offset
            if shift > 63:
                raise ValueError("varint")

    fields, offset = [], 0
    while offset < len(blob):
        tag, offset = varint(offset)
        kind = tag & 7
        if tag >> 3 == 0:
            raise ValueError("field 0")
        if kind == 0:
            value, offset = varint(offset)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, offset = int.from_bytes(blob[offset : offset + size], "little"), offset + size
        elif kind == 2:
            size, offset = varint(offset)
            if size > len(blob) - offset:
                raise ValueError("cut")
            value, offset = blob[offset : offset + size], offset + size
        else:
            raise ValueError("wire type")
        fields.append((tag >> 3, value))
    return fields


# DER


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else (lambda b: bytes([128 | len(b)]) + b)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + content


def rsa_spki(modulus, exponent):
    numbers = der(0x30, der(0x02, b"\0" + modulus) + der(0x02, exponent))
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    return der(0x30, algorithm + der(0x03, b"\0" + numbers))
