/// The attributes of a TPM's object, a TPMA_OBJECT (TPM 2.0 Library, Part 2, 8.3).
public struct ObjectAttributes: Sendable, Equatable {
    static let fixedTPM: UInt32 = 1 << 1
    static let fixedParent: UInt32 = 1 << 4
    static let sensitiveDataOrigin: UInt32 = 1 << 5
    static let userWithAuth: UInt32 = 1 << 6
    static let noDA: UInt32 = 1 << 10
    static let restricted: UInt32 = 1 << 16
    static let decrypt: UInt32 = 1 << 17
    static let sign: UInt32 = 1 << 18
    /// Made in its TPM, and never to leave it.
    static let madeInside = fixedTPM | fixedParent | sensitiveDataOrigin

    public let bits: UInt32

    /// True when all of these are set.
    func has(_ attributes: UInt32) -> Bool { bits & attributes == attributes }

    /// A key that may be the parent of others.
    var isStorageKey: Bool {
        has(ObjectAttributes.restricted | ObjectAttributes.decrypt) && !has(ObjectAttributes.sign)
    }

    /// The names in the specification's order.
    public var names: [StaticString] {
        let all: [(UInt32, StaticString)] = [
            (ObjectAttributes.fixedTPM, "fixedTPM"), (1 << 2, "stClear"), (ObjectAttributes.fixedParent, "fixedParent"),
            (ObjectAttributes.sensitiveDataOrigin, "sensitiveDataOrigin"),
            (ObjectAttributes.userWithAuth, "userWithAuth"), (1 << 7, "adminWithPolicy"),
            (ObjectAttributes.noDA, "noDA"), (1 << 11, "encryptedDuplication"),
            (ObjectAttributes.restricted, "restricted"), (ObjectAttributes.decrypt, "decrypt"),
            (ObjectAttributes.sign, "sign"),
        ]
        return all.filter { has($0.0) }.map { $0.1 }
    }

    /// The names, separated by spaces.
    public var text: String { names.reduce("") { $0.isEmpty ? $1.description : "\($0) \($1.description)" } }

    /// What they mean for whoever has the key's TPM, and for whoever has not.
    public var meaning: [StaticString] {
        [
            has(ObjectAttributes.fixedTPM | ObjectAttributes.fixedParent)
                ? "it cannot leave this TPM" : "it can be taken to another TPM",
            has(ObjectAttributes.sensitiveDataOrigin)
                ? "its private part was made by the TPM" : "its private part was brought in from outside",
            has(ObjectAttributes.noDA)
                ? "neither wrong passwords nor power cuts lock the TPM"
                : "wrong passwords, and power cuts while it is loaded, count towards the TPM's lockout",
        ]
    }
}
