import AttestationTestKit
import ByteParsing
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite struct AttestationKeyTests {
    private func codes(_ area: TPMTPublic) -> [String] {
        do throws(AttestationKeyRefusal) {
            _ = try AttestationKey(area)
            return []
        } catch { return error.codes }
    }

    private func ecc(_ edit: (inout TPMTPublic.ECC) -> Void) -> TPMTPublic {
        var area = SoftwareAK.p256().publicArea
        guard case .ecc(var key) = area.key else { return area }
        edit(&key)
        area.key = .ecc(key)
        return area
    }

    private func rsa(_ edit: (inout TPMTPublic.RSA) -> Void) throws -> TPMTPublic {
        var area = try SoftwareAK.rsa2048().publicArea
        guard case .rsa(var key) = area.key else { return area }
        edit(&key)
        area.key = .rsa(key)
        return area
    }

    @Test("Keys of the allow-list pass, and their public key is the one of the area")
    func allowed() throws {
        for ak in [SoftwareAK.p256(), .p384(), try .rsa2048(), try .rsa2048(scheme: .rsapss)] {
            let key = try AttestationKey(tpmtPublic: ak.publicArea.marshalled)
            #expect(key.name == ak.publicArea.name)
            #expect(try SubjectPublicKey(spki: key.publicKey.spki) == key.publicKey)
            #expect(try SubjectPublicKey(pem: key.publicKey.pem) == key.publicKey)
        }
    }

    @Test(
        "ID-04: an AK without one of its attributes is refused",
        arguments: [TPMAObject.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign])
    func missing(attribute: TPMAObject) {
        var area = SoftwareAK.p256().publicArea
        area.attributes.remove(attribute)
        #expect(codes(area) == ["ID_AK_ATTRS"])
    }

    @Test("ID-04: an AK that also decrypts is refused")
    func decrypt() {
        var area = SoftwareAK.p256().publicArea
        area.attributes.insert(.decrypt)
        #expect(codes(area) == ["ID_AK_ATTRS"])
    }

    @Test("ID-05: small keys, old curves and SHA-1 are refused")
    func weak() throws {
        var area = SoftwareAK.p256().publicArea
        area.nameAlgorithm = .sha1
        #expect(codes(area) == ["ID_AK_WEAK"])
        #expect(codes(ecc { $0.scheme = .init(.ecdsa, .sha1) }) == ["ID_AK_WEAK"])
        for curve in [TPMECCCurve.nistP192, .nistP224, .bnP256, .sm2P256] {
            #expect(codes(ecc { $0.curve = curve }) == ["ID_AK_WEAK"])
        }
        #expect(try codes(rsa { $0.scheme = .init(.rsassa, .sha1) }) == ["ID_AK_WEAK"])
        let small = try rsa {
            $0.keyBits = 1024
            $0.modulus = Array($0.modulus.suffix(128))
            $0.modulus[0] |= 0x80
        }
        #expect(codes(small) == ["ID_AK_WEAK"])
        #expect(try codes(rsa { $0.exponent = 3 }) == ["ID_AK_WEAK"])
    }

    @Test("ID-06: a key type, scheme or size that disagrees with the key is refused")
    func malformed() throws {
        var swapped = SoftwareAK.p256().publicArea.marshalled
        swapped[1] = 0x01
        #expect(throws: AttestationKeyRefusal.self) { try AttestationKey(tpmtPublic: swapped) }
        do throws(AttestationKeyRefusal) { _ = try AttestationKey(tpmtPublic: swapped) } catch {
            #expect(error.codes == ["ID_AK_MALFORMED"])
        }
        #expect(codes(ecc { $0.scheme = .null }) == ["ID_AK_MALFORMED"])
        #expect(try codes(rsa { $0.keyBits = 3072 }).contains("ID_AK_MALFORMED"))
        var keyedHash = SoftwareAK.p256().publicArea
        keyedHash.key = .keyedHash(scheme: .hmac(.sha256), unique: [])
        #expect(codes(keyedHash) == ["ID_AK_MALFORMED"])
    }

    @Test("ID-07: a point off its curve, at infinity, out of range or of another length is refused")
    func points() {
        let prime: [UInt8] =
            [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
            + [UInt8](repeating: 0xFF, count: 12)
        let zero = [UInt8](repeating: 0, count: 32)
        for (x, y) in [(zero, zero), (prime, zero), ([], []), ([UInt8](repeating: 0xFF, count: 32), zero)] {
            #expect(
                codes(
                    ecc {
                        $0.x = x
                        $0.y = y
                    }) == ["ID_AK_MALFORMED"])
        }
        #expect(codes(ecc { $0.y[31] ^= 1 }) == ["ID_AK_MALFORMED"])
        #expect(codes(ecc { $0.x = [0] + $0.x }) == ["ID_AK_MALFORMED"])
        for size in [65, 66] {
            let area = ecc {
                $0.curve = .nistP521
                $0.x = [UInt8](repeating: 1, count: size)
                $0.y = [UInt8](repeating: 2, count: size)
            }
            #expect(codes(area) == ["ID_AK_MALFORMED"])
        }
    }

    @Test("ID-12: a modulus that is a power of 65,537 modulo every small prime is refused; sound ones are not")
    func roca() throws {
        // A plain power of 65,537 fits by construction.
        var product = [UInt8](repeating: 0, count: 255) + [1]
        for _ in 0..<127 { product = multiply(product, by: 65_537) }
        let bits = SubjectPublicKey.rsa(modulus: Array(product.drop { $0 == 0 }), exponent: [1, 0, 1])
        #expect(bits.defects.contains(.roca))
        #expect(try codes(rsa { $0.modulus = product }).contains("ID_KEY_ROCA"))
        var random = SplitMix(state: 12)
        for _ in 0..<2_000 {
            var modulus = (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }
            modulus[0] |= 0x80
            modulus[255] |= 1
            #expect(!SubjectPublicKey.rsa(modulus: modulus, exponent: [1, 0, 1]).defects.contains(.roca))
        }
    }

    @Test("A SubjectPublicKeyInfo that is cut, followed by a byte, or of another form is refused with its offset")
    func subjectPublicKeyInfo() throws {
        for ak in [SoftwareAK.p256(), .p384(), try .rsa2048()] {
            let spki = try SubjectPublicKey(ak.publicArea).spki
            for count in 0..<spki.count {
                #expect(throws: ParsingError.self) { try SubjectPublicKey(spki: Array(spki.prefix(count))) }
            }
            do throws(ParsingError) { _ = try SubjectPublicKey(spki: spki + [0]) } catch {
                #expect(error.offset == spki.count)
                #expect(error.problem == .trailingBytes(count: 1))
            }
        }
        var compressed = try SubjectPublicKey(SoftwareAK.p256().publicArea).spki
        compressed[26] = 2
        do throws(ParsingError) { _ = try SubjectPublicKey(spki: compressed) } catch { #expect(error.offset == 26) }
    }

    private func multiply(_ number: [UInt8], by factor: Int) -> [UInt8] {
        var carry = 0
        return number.reversed().map { digit -> UInt8 in
            carry += Int(digit) * factor
            defer { carry >>= 8 }
            return UInt8(carry & 0xFF)
        }.reversed()
    }

    @Test("ID-16: RSA keys that corrupt or stall a library never reach it")
    func hostileRSA() throws {
        var even = [UInt8](repeating: 0xC3, count: 256)
        even[255] = 0xC2
        #expect(try codes(rsa { $0.modulus = even }) == ["ID_AK_MALFORMED"])
        #expect(
            try codes(rsa { $0.modulus = [UInt8](repeating: 0, count: 256) }).contains("ID_AK_MALFORMED"))
        #expect(try codes(rsa { $0.exponent = 1 }).contains("ID_AK_MALFORMED"))
        #expect(try codes(rsa { $0.exponent = 65_536 }).contains("ID_AK_MALFORMED"))
        #expect(
            try codes(
                rsa {
                    $0.keyBits = 512
                    $0.modulus = Array($0.modulus.suffix(64))
                }) == ["ID_AK_WEAK"])
        let huge = SubjectPublicKey.rsa(modulus: [UInt8](repeating: 0xFF, count: 2048), exponent: [1, 0, 1])
        #expect(!huge.defects.isEmpty)
        for size in [16, 255] {
            let key = SubjectPublicKey.rsa(
                modulus: [UInt8](repeating: 0xFF, count: 256), exponent: [UInt8](repeating: 0xFF, count: size))
            #expect(!key.defects.isEmpty)
        }
    }
}

/// A generator whose sequence is the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
