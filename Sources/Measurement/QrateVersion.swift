/// This program's name and version, as peers and reports see it.
public enum QrateVersion {
    public static let number = "0.1.0"
    public static let software = "qrate/" + number

    /// How this program was compiled. A debug build measures itself rather than the network, so reports say it.
    #if DEBUG
        public static let build = "debug"
    #else
        public static let build = "release"
    #endif
}
