package import QrateMeasurement
import Synchronization

extension DatagramSocket {
    /// The offloads that were asked for and aren't in use, as far as is known now.
    package var fallbacks: [OffloadFallback] {
        var all: [OffloadFallback] = []
        if asksForSegmentation, !usesSegmentation {
            all.append(knowsSegmentation ? .segmentationGivenUp : .segmentationUnavailable)
        }
        if asksForCoalescing.load(ordering: .relaxed), !coalescesReceives { all.append(.receiveUnavailable) }
        return all
    }
}
