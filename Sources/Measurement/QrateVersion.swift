/// This program's name and version, as peers and reports see it.
public enum QrateVersion {
    public static let number = "0.1.0"
    public static let software = "qrate/" + number
}
