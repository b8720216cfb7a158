import QrateControlProtocol
import QrateTransportAPI

extension PeerTraits {
    /// What two ends may do with each other: what the peer's hello announced, of what works here.
    init(_ peer: PeerProtocol, here: PeerTraits) {
        var announced = PeerTraits()
        if peer.speaksQrate { announced.insert(.isQrate) }
        for (trait, capability) in Self.capabilities where peer.announces(capability) { announced.insert(trait) }
        self = announced.intersection(here)
    }

    /// What a hello says.
    var capabilities: [String] {
        Capability.announced.filter { name in
            Self.capabilities.allSatisfy { trait, capability in capability != name || contains(trait) }
        }
    }

    private static let capabilities: [(PeerTraits, String)] = [
        (.singlePortTCP, Capability.singlePortTCP), (.singlePortUDP, Capability.singlePortUDP),
        (.takesDatagramFeedback, Capability.udpFeedback), (.probesPathMTU, Capability.mtuProbe),
    ]
}
