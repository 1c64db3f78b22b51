internal import NodeODM

extension JSONValue {
    /// An object of what is there; members without a value are left out, the order is kept.
    static func members(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { member in member.value.map { JSONMember(name: member.key, value: $0) } })
    }

    /// An object of texts, in the order of its names, so that equal dictionaries make equal bytes.
    static func texts(_ texts: [String: String]) -> JSONValue {
        .object(texts.sorted { $0.key < $1.key }.map { JSONMember(name: $0.key, value: .string($0.value)) })
    }

    static func number(_ number: some BinaryInteger) -> JSONValue { .integer(Int64(clamping: number)) }

    /// This object with a member set: in place where it is there, else at the end.
    func setting(_ name: String, _ value: JSONValue) -> JSONValue {
        var members = members ?? []
        if let index = members.lastIndex(where: { $0.name == name }) {
            members[index].value = value
        } else {
            members.append(JSONMember(name: name, value: value))
        }
        return .object(members)
    }

    /// This object without a member.
    func removing(_ name: String) -> JSONValue { .object((members ?? []).filter { $0.name != name }) }

    /// This object with another's members over it, objects inside objects likewise.
    func merging(_ other: JSONValue) -> JSONValue {
        guard members != nil, let added = other.members else { return other }
        return added.reduce(self) { merged, member in
            merged.setting(member.name, merged[member.name]?.merging(member.value) ?? member.value)
        }
    }

    /// Its text.
    var encoded: [UInt8] {
        var json = JSONWriter()
        json.value(self)
        return json.bytes
    }
}
