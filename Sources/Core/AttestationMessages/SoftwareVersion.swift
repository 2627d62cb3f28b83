/// The version of the three programs and of their packages. This is the one place that says it: `Tools/package` reads it
/// from what the programs print.
public enum SoftwareVersion {
    public static let text = "0.1.0"
}
