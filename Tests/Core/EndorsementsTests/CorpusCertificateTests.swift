import ByteParsing
import Endorsements
import Foundation
import TPMCryptography
import TPMStructures
import TestVectors
import Testing

@Suite(.enabled(if: TestVectors.corpus != nil, "the development corpus is absent; BOOTGATE_CORPUS names its folder"))
struct CorpusCertificateTests {
    private func load(_ path: String) throws -> [EKCertificate] {
        let bytes = try #require(TestVectors.corpus).bytes(path)
        if bytes.first == 0x30 { return [try EKCertificate(der: bytes)] }
        return try EKCertificate.certificates(pem: String(decoding: bytes, as: UTF8.self))
    }

    private func authorities() throws -> [EKCertificate] {
        let corpus = try #require(TestVectors.corpus)
        var list: [EKCertificate] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: corpus.root.path + "/ekcerts/ca").sorted() {
            let bytes = try corpus.bytes("ekcerts/ca/\(name)")
            let blocks =
                bytes.first == 0x30
                ? [bytes] : try PEM.blocks(String(decoding: bytes, as: UTF8.self), label: "CERTIFICATE")
            #expect(!blocks.isEmpty, "\(name)")
            for (index, block) in blocks.enumerated() {
                do { list.append(try EKCertificate(der: block)) } catch {
                    Issue.record("\(name), certificate \(index): \(error)")
                }
            }
        }
        return list
    }

    private func policy(acceptsSHA1: Bool = false) throws -> EKCertificatePolicy {
        let all = try authorities()
        return EKCertificatePolicy(
            roots: all.filter { $0.issuer == $0.subject }, intermediates: all.filter { $0.issuer != $0.subject },
            denyList: .empty, revocationLists: [], validity: .ignored, acceptsSHA1: acceptsSHA1)
    }

    @Test("Every certificate of the corpus parses")
    func parse() throws {
        #expect(try authorities().count > 100)
        for name in ["gce-ek-rsa.pem", "gce-ek-ecc.pem", "gce-ak-rsa.pem", "stm-ek-nuc1.pem", "hirs-test-ek.der"] {
            #expect(try load("ekcerts/\(name)").count == 1, "\(name)")
        }
    }

    @Test("Google's EK certificates chain to the manufacturer's root", arguments: ["gce-ek-rsa.pem", "gce-ek-ecc.pem"])
    func google(name: String) throws {
        let report = try policy().inspect(try #require(load("ekcerts/\(name)").first), sentIssuers: [])
        #expect(report.chain == .valid)
        #expect(report.certificate.tpm?.manufacturer == "id:474F4F47")
    }

    @Test("An STM certificate with an id-RSAES-OAEP key and a SHA-1 signature chains, when SHA-1 is accepted")
    func oaep() throws {
        let certificate = try #require(load("ekcerts/stm-ek-nuc1.pem").first)
        #expect(certificate.publicKey?.summary == "RSA-2048")
        let report = try policy(acceptsSHA1: true).inspect(certificate, sentIssuers: [])
        #expect(report.chain == .valid, "\(report.findings.map(\.detail))")
        #expect(report.certificate.tpm?.manufacturer == "id:53544D20")
        let strict = try policy().inspect(certificate, sentIssuers: [])
        #expect(strict.findings.contains { $0.code == .profile && $0.detail.contains("SHA1") })
    }

    @Test("A certificate over an RSA key of 2,041 bits shows a malformed key and no chain")
    func oddModulus() throws {
        let report = try policy().inspect(try #require(load("ekcerts/hirs-test-ek.der").first), sentIssuers: [])
        #expect(report.chain == .invalid)
        #expect(Set(report.findings.map(\.code)).isSuperset(of: [.chain, .profile]))
    }

    @Test("swtpm's EK certificates pass with its CA, their year 9999 included", arguments: ["ekrsa.der", "ekecc.der"])
    func swtpm(name: String) throws {
        let certificate = try EKCertificate(nvContent: #require(TestVectors.corpus).bytes("measured-boot/ek/\(name)"))
        let policy = EKCertificatePolicy(
            roots: try load("measured-boot/ek/swtpm-localca-rootca-cert.pem"),
            intermediates: try load("measured-boot/ek/issuercert.pem"), denyList: .empty, revocationLists: [],
            validity: .mustHold(at: certificate.notBefore + 60), acceptsSHA1: false)
        let report = policy.inspect(certificate, sentIssuers: [])
        #expect(report.chain == .valid)
        #expect(report.findings.isEmpty, "\(report.findings)")
        #expect(report.certificate.tpm?.manufacturer == "id:00001014")
    }
}
