internal import ByteParsing
internal import SwiftASN1

/// A distinguished name (RFC 5280, section 4.1.2.4), read tolerantly where manufacturers are careless: the order inside
/// a multi-valued part is not checked, which swift-certificates does and which refuses issuers in the corpus. Names are
/// compared by their bytes, never by this.
struct CertificateName: Hashable, Sendable {
    struct Attribute: Hashable, Sendable {
        let type: ASN1ObjectIdentifier
        /// Nil for a value that is no string.
        let value: String?
        let bytes: [UInt8]
    }

    /// In the order of the certificate; parts and their attributes in one list each.
    let parts: [[Attribute]]
    var attributes: [Attribute] { parts.flatMap(\.self) }

    init(_ node: ASN1Node) throws(ParsingError) {
        var parts: [[Attribute]] = []
        for set in try Self.children(node, .sequence) {
            var part: [Attribute] = []
            for pair in try Self.children(set, .set) {
                let members = try Self.children(pair, .sequence)
                guard members.count == 2, let type = try? ASN1ObjectIdentifier(derEncoded: members[0]),
                    case .primitive(let content) = members[1].content
                else { throw Self.malformed }
                part.append(
                    Attribute(
                        type: type, value: Self.text(members[1].identifier, Array(content)), bytes: Array(content)))
            }
            guard !part.isEmpty else { throw Self.malformed }
            parts.append(part)
        }
        self.parts = parts
    }

    /// RFC 4514: the last part first.
    var text: String {
        parts.reversed().map { part in
            part.map { attribute in
                let type = Self.shortNames[attribute.type] ?? String(describing: attribute.type)
                guard let value = attribute.value else { return "\(type)=#\(Hex.encode(attribute.bytes))" }
                return "\(type)=\(Self.escape(value))"
            }.joined(separator: "+")
        }.joined(separator: ",")
    }

    static func children(_ node: ASN1Node, _ identifier: ASN1Identifier) throws(ParsingError) -> [ASN1Node] {
        guard node.identifier == identifier, case .constructed(let nodes) = node.content else { throw malformed }
        return Array(nodes)
    }

    private static let malformed = ParsingError(
        field: "Name", offset: 0, problem: .malformed("not a distinguished name"))

    private static func text(_ identifier: ASN1Identifier, _ bytes: [UInt8]) -> String? {
        switch identifier {
        case .utf8String, .printableString, .ia5String, .numericString, .teletexString:
            String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    private static func escape(_ value: String) -> String {
        var text = ""
        for (index, scalar) in value.unicodeScalars.enumerated() {
            let isEdgeSpace = scalar == " " && (index == 0 || index == value.unicodeScalars.count - 1)
            if scalar.value < 0x20 || scalar.value == 0x7F {
                text += "\\" + Hex.encode([UInt8(scalar.value)])
            } else if isEdgeSpace || ",+\"\\<>;".unicodeScalars.contains(scalar) || (scalar == "#" && index == 0) {
                text += "\\" + String(scalar)
            } else {
                text += String(scalar)
            }
        }
        return text
    }

    private static let shortNames: [ASN1ObjectIdentifier: String] = [
        [2, 5, 4, 3]: "CN", [2, 5, 4, 6]: "C", [2, 5, 4, 7]: "L", [2, 5, 4, 8]: "ST", [2, 5, 4, 10]: "O",
        [2, 5, 4, 11]: "OU", [2, 5, 4, 5]: "SERIALNUMBER",
    ]
}

/// What an EK certificate's alternative name holds (RFC 5280, section 4.2.1.6).
struct AlternativeNames: Hashable, Sendable {
    let directoryNames: [CertificateName]
    /// Names of all kinds, and the attributes of the directory names.
    let count: Int

    init(_ extensionValue: [UInt8]) throws {
        var names: [CertificateName] = []
        var count = 0
        for node in try CertificateName.children(SwiftASN1.DER.parse(extensionValue), .sequence) {
            count += 1
            guard node.identifier == Self.directoryName, case .constructed(let inner) = node.content else { continue }
            let content = Array(inner)
            guard let first = content.first, content.count == 1 else {
                throw ParsingError(field: "GeneralName", offset: 0, problem: .malformed("not one directory name"))
            }
            let name = try CertificateName(first)
            names.append(name)
            count += name.attributes.count
        }
        directoryNames = names
        self.count = count
    }

    private static let directoryName = ASN1Identifier(tagWithNumber: 4, tagClass: .contextSpecific)
}
