/// The random numbers of one packet.
///
/// They are a function of the seed and the packet's place in its direction alone: how long packets waited, or how many
/// were dropped by a full queue, changes no later packet's fate. Mixing as in Steele et al., "Fast splittable
/// pseudorandom number generators", 2014.
struct PacketDraws {
    private var state: UInt64

    init(seed: UInt64, packet: UInt64) { state = Self.mix(seed) ^ Self.mix(~packet) }

    /// At least 0 and less than 1.
    mutating func next() -> Double {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Double(Self.mix(state) >> 11) * 0x1p-53
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
