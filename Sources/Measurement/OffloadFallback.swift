/// What of the datagram offloads that an end wanted to use it had to do without.
public enum OffloadFallback: String, Sendable, Hashable, CaseIterable {
    /// The kernel doesn't know UDP_SEGMENT.
    case segmentationUnavailable = "segmentation_unavailable"
    /// The kernel took the option, and then refused to cut a batch: the way leads over a device that can't.
    case segmentationGivenUp = "segmentation_given_up"
    /// The kernel doesn't know UDP_GRO.
    case receiveUnavailable = "receive_unavailable"
}
